//! The language's `==` and `!=` of arrays and maps, with a bound on how deeply these hold each other: the originals run out of stack, which
//! ends the process and not the script.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FuncRegistration, Map, NativeCallContext};

use crate::words::printed::is_deeper_than;
use crate::words::session::Answer;

/// Levels that are compared.
const DEEPEST: usize = 64;

/// Puts them before Rhai's own. They leave their arguments alone, so that constants may be given to them.
pub(super) fn register(engine: &mut Engine) {
    let pure = |name: &str| FuncRegistration::new(name).with_purity(true);
    pure("==").register_into_engine(engine, |context: NativeCallContext, one: &mut Array, other: Array| arrays(&context, one, other));
    pure("!=").register_into_engine(engine, |context: NativeCallContext, one: &mut Array, other: Array| {
        arrays(&context, one, other).map(|equal| !equal)
    });
    pure("==").register_into_engine(engine, |context: NativeCallContext, one: &mut Map, other: Map| maps(&context, one, other));
    pure("!=").register_into_engine(engine, |context: NativeCallContext, one: &mut Map, other: Map| {
        maps(&context, one, other).map(|equal| !equal)
    });
}

fn check<'a>(context: &NativeCallContext, mut parts: impl Iterator<Item = &'a Dynamic>) -> Answer<()> {
    if !parts.any(|part| is_deeper_than(part, DEEPEST)) {
        return Ok(());
    }
    let message = format!("arrays and maps that hold each other more than {DEEPEST} levels deep are not compared");
    Err(EvalAltResult::ErrorRuntime(message.into(), context.call_position()).into())
}

fn arrays(context: &NativeCallContext, one: &mut Array, mut other: Array) -> Answer<bool> {
    check(context, one.iter().chain(&other))?;
    if one.len() != other.len() {
        return Ok(false);
    }
    for (left, right) in one.iter_mut().zip(&mut other) {
        if !equal(context, left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps(context: &NativeCallContext, one: &mut Map, mut other: Map) -> Answer<bool> {
    check(context, one.values().chain(other.values()))?;
    if one.len() != other.len() {
        return Ok(false);
    }
    for (key, left) in one.iter_mut() {
        let Some(right) = other.get_mut(key) else { return Ok(false) };
        if !equal(context, left, right)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Two parts by the operator `==`; without one, those of different types differ, and the others cannot be compared.
fn equal(context: &NativeCallContext, left: &mut Dynamic, right: &mut Dynamic) -> Answer<bool> {
    match context.call_native_fn_raw("==", true, &mut [left, right]) {
        Ok(equal) => Ok(equal.as_bool().unwrap_or(false)),
        Err(error) => match *error {
            EvalAltResult::ErrorFunctionNotFound(ref signature, ..) if signature.starts_with("==") && left.type_id() != right.type_id() => {
                Ok(false)
            }
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(engine: &Engine, script: &str) -> Result<bool, String> {
        engine.eval::<bool>(script).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_compared_is_what_the_language_gives() {
        let mut bounded = Engine::new();
        register(&mut bounded);
        for script in [
            "[[1, 2], #{ a: 1 }] == [[1, 2], #{ a: 1 }]",
            "[1, 2] == [1]",
            "[1] != [\"a\"]",
            "[[]] == [#{}]",
            "#{ a: 1 } == #{ b: 1 }",
            "#{ a: [1] } != #{ a: [1] }",
            "[[1], [2]].contains([2])",
            "[#{ a: 1 }, 2].index_of(#{ a: 1 }) == 0",
            "const C = [1]; C == [1] && C != [2]",
        ] {
            let own = given(&Engine::new(), script);
            assert!(own.is_ok(), "{script}: {own:?}");
            assert_eq!(own, given(&bounded, script), "{script}");
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_an_error_of_the_script() {
        let mut bounded = Engine::new();
        register(&mut bounded);
        let deep = "let a = []; for i in 0..300 { a = [#{ a: a }]; }";
        for last in ["a == a", "a != [a]", "[a].contains(a)", "#{ a: a } == #{ a: a }"] {
            let error = given(&bounded, &format!("{deep} {last}")).unwrap_err();
            assert!(error.contains("levels deep"), "{last}: {error}");
        }
    }
}
