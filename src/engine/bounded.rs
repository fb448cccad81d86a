//! Rhai's own functions that make much out of little, in forms that refuse to: the limits on sizes are checked only when such a function
//! has ended, and one call of it may have taken all memory by then.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, Map, NativeCallContext, Position, Variant};

use crate::words::printed;
use crate::words::session::Answer;

/// Values within values that may be taken out of a variable as they are. Deeper ones overflow the stack when they are let go.
const DEEPEST: usize = 1_000;

/// Puts them before Rhai's own.
pub(super) fn register(engine: &mut Engine) {
    printing(engine);
    joining(engine);
    engine.register_fn("to_json", |map: &mut Map| -> Answer<String> {
        if printed::is_json(&Dynamic::from_map(map.clone())) {
            Ok(rhai::format_map_as_json(map))
        } else {
            Err(too_large("JSON of the map"))
        }
    });
    engine.register_fn("replace", |context: NativeCallContext, string: &mut ImmutableString, find: &str, with: &str| {
        replace(&context, string, find, with)
    });
    engine.register_fn("replace", |context: NativeCallContext, string: &mut ImmutableString, find: char, with: &str| {
        replace(&context, string, find.encode_utf8(&mut [0; 4]), with)
    });
    engine.register_fn("take", |value: &mut Dynamic| -> Answer<Dynamic> {
        if printed::is_deeper_than(value, DEEPEST) { Err(too_large("depth of the value")) } else { Ok(value.take()) }
    });
}

/// Cut and never refused: Rhai prints a value in its own, unbounded way when a function for it fails.
fn printing(engine: &mut Engine) {
    for name in ["print", "to_string", "debug", "to_debug"] {
        engine.register_fn(name, |context: NativeCallContext, array: &mut Array| {
            text(&context, Dynamic::from_array(std::mem::take(array)), |value| {
                *array = value.into_array().unwrap_or_default();
            })
        });
        engine.register_fn(name, |context: NativeCallContext, map: &mut Map| {
            text(&context, Dynamic::from_map(std::mem::take(map)), |value| {
                *map = value.try_cast().unwrap_or_default();
            })
        });
    }
    for name in ["debug", "to_debug"] {
        engine.register_fn(name, |function: &mut FnPtr| format!("Fn({:?})", function.fn_name()));
    }
}

/// A string with an array or a map: Rhai's own way writes all of it out before it looks how long that is.
fn joining(engine: &mut Engine) {
    joining_with(engine, Dynamic::from_array);
    joining_with(engine, Dynamic::from_map);
}

fn joining_with<T: Variant + Clone>(engine: &mut Engine, value: fn(T) -> Dynamic) {
    engine.register_fn("+", move |context: NativeCallContext, left: ImmutableString, right: T| {
        joined(&context, &left, &written(&context, value(right)))
    });
    engine.register_fn("+", move |context: NativeCallContext, left: T, right: ImmutableString| {
        joined(&context, &written(&context, value(left)), &right)
    });
    engine.register_fn("+=", move |context: NativeCallContext, left: &mut ImmutableString, right: T| -> Answer<()> {
        *left = joined(&context, left, &written(&context, value(right)))?;
        Ok(())
    });
}

fn written(context: &NativeCallContext, value: Dynamic) -> String {
    text(context, value, |_| {})
}

fn joined(context: &NativeCallContext, left: &str, right: &str) -> Answer<ImmutableString> {
    if left.len().saturating_add(right.len()) > context.engine().max_string_size() {
        return Err(too_large("Length of string"));
    }
    Ok(format!("{left}{right}").into())
}

/// The text of a value, which is given back afterwards: a copy of a large one would take as much again.
fn text(context: &NativeCallContext, value: Dynamic, give_back: impl FnOnce(Dynamic)) -> String {
    let text = printed::written(&value, &|leaf| {
        let told = context.call_native_fn::<ImmutableString>("to_debug", (leaf.clone(),));
        told.map_or_else(|_| format!("{leaf:?}"), |text| text.to_string())
    });
    give_back(value);
    text
}

fn replace(context: &NativeCallContext, string: &mut ImmutableString, find: &str, with: &str) -> Answer<()> {
    let growth = string.matches(find).count().saturating_mul(with.len().saturating_sub(find.len()));
    if string.len().saturating_add(growth) > context.engine().max_string_size() {
        return Err(too_large("Length of string"));
    }
    if !string.is_empty() {
        *string = string.replace(find, with).into();
    }
    Ok(())
}

#[expect(clippy::unnecessary_box_returns, reason = "Rhai takes its errors boxed")]
fn too_large(what: &str) -> Box<EvalAltResult> {
    Box::new(EvalAltResult::ErrorDataTooLarge(what.to_owned(), Position::NONE))
}
