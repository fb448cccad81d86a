//! `sysctl(place, names)`: kernel settings of a place.

use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, ImmutableString, Map, NativeCallContext};

use super::state::{Look, look};
use crate::words::forms::setting;
use crate::words::manual::node::SYSCTL as WORD;
use crate::words::mistake::Mistake;
use crate::words::session::{Answer, Run};

/// Gives the word to an engine.
pub fn register(engine: &mut Engine, run: &Arc<Run>) {
    let one = Arc::clone(run);
    engine.register_fn("sysctl", move |context: NativeCallContext, place: ImmutableString, name: ImmutableString| -> Answer<Dynamic> {
        Ok(read(&one, &context, &place, &[name.to_string()])?.and_then(|values| values.into_iter().next()).unwrap_or(Dynamic::UNIT))
    });
    let run = Arc::clone(run);
    engine.register_fn("sysctl", move |context: NativeCallContext, place: ImmutableString, names: Array| -> Answer<Dynamic> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let values = read(&run, &context, &place, &names)?;
        Ok(values.map_or(Dynamic::UNIT, |values| names.into_iter().map(Into::into).zip(values).collect::<Map>().into()))
    });
}

/// Settings that one call may ask for.
const MOST: usize = 64;

/// The value of each name, in order; `None` when the place could not be read.
fn read(run: &Run, context: &NativeCallContext, place: &str, names: &[String]) -> Answer<Option<Vec<Dynamic>>> {
    let paths = names
        .iter()
        .map(|name| setting(name).map_err(|why| Mistake::argument(WORD.name, &why).raised(context)))
        .collect::<Answer<Vec<String>>>()?;
    if paths.len() > MOST {
        return Err(Mistake::argument(WORD.name, &format!("sysctl takes at most {MOST} names, these are {}", paths.len())).raised(context));
    }
    let state = look(run, context, &Look { word: &WORD, place, values: paths.clone(), needed: &["settings"] })?;
    Ok(state.map(|state| {
        let value = |path: &String| {
            let text = state.settings()?.text(path)?;
            Some(text.parse::<i64>().map_or_else(|_| Dynamic::from(text.to_owned()), Dynamic::from))
        };
        paths.iter().map(|path| value(path).unwrap_or(Dynamic::UNIT)).collect()
    }))
}
