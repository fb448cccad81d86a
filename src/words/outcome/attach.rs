//! `attach(name, data)`: a piece of data that the report keeps, for whoever reads that by a program.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};
use serde_json::Value;

use crate::model::outcome::Attachment;
use crate::words::printed;
use crate::words::room::{self, Part};
use crate::words::session::{Answer, Run};

/// Bytes of one piece, as JSON.
const MOST_BYTES: usize = 64 << 10;

/// Values within values that are kept.
const DEEPEST: usize = 16;

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let run = Arc::clone(run);
    engine.register_fn("attach", move |context: NativeCallContext, name: ImmutableString, data: Dynamic| -> Answer<()> {
        let mut left = MOST_BYTES;
        let Some(data) = kept(&data, DEEPEST, &mut left) else {
            return Err(Run::refuse(
                &context,
                format!(
                    "a report keeps at most {MOST_BYTES} bytes of one piece of data, {DEEPEST} values deep; \"{}\" is more",
                    room::name(&name)
                ),
            ));
        };
        let mut state = run.state();
        if state.room.take(Part::Attachment, MOST_BYTES - left) {
            state.attachments.push(Attachment { name: room::name(&name), data });
        }
        Ok(())
    });
}

/// A value as JSON. `None` when it is too large, or too deep, as one is that holds itself.
fn kept(value: &Dynamic, levels: usize, left: &mut usize) -> Option<Value> {
    let levels = levels.checked_sub(1)?;
    if let Some(parts) = value.read_lock::<Array>() {
        *left = left.checked_sub(2)?;
        return parts.iter().map(|part| kept(part, levels, left)).collect::<Option<Vec<Value>>>().map(Value::Array);
    }
    if let Some(map) = value.read_lock::<Map>() {
        *left = left.checked_sub(2)?;
        let mut all = serde_json::Map::new();
        for (key, part) in map.iter() {
            *left = left.checked_sub(key.len() + 4)?;
            all.insert(key.to_string(), kept(part, levels, left)?);
        }
        return Some(Value::Object(all));
    }
    let plain = if value.is_unit() {
        Value::Null
    } else if let Ok(truth) = value.as_bool() {
        Value::Bool(truth)
    } else if let Ok(number) = value.as_int() {
        Value::from(number)
    } else if let Ok(number) = value.as_float() {
        Value::from(number)
    } else {
        Value::String(room::text(&printed::shown(value)))
    };
    *left = left.checked_sub(plain.to_string().len() + 1)?;
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(script: &str) -> Option<Value> {
        let value: Dynamic = Engine::new().eval(script).unwrap();
        kept(&value, DEEPEST, &mut 200)
    }

    #[test]
    fn values_are_kept_as_json_within_bounds() {
        assert_eq!(of("#{ a: [1, true, (), \"x\"], b: 2.5 }"), Some(serde_json::json!({"a": [1, true, null, "x"], "b": 2.5})));
        assert_eq!(of("let text = \"\"; for at in 0..300 { text += \"x\"; } text"), None);
        assert_eq!(of("let deep = []; for at in 0..20 { deep = [deep]; } deep"), None);
    }
}
