//! Options that may all be left out: a word that takes such can be called without its map.

use std::any::TypeId;

use rhai::{Dynamic, Engine, Map, NativeCallContext};

use super::all::words;
use super::session::Answer;
use super::word::Word;

/// Gives the words to an engine as they are called without options; what each word registers for itself goes before this.
pub fn register(engine: &mut Engine) {
    for word in words().filter(|word| may_do_without(word)) {
        let types = vec![TypeId::of::<Dynamic>(); word.params.len()];
        engine.register_raw_fn(word.name, types, move |context: NativeCallContext, given: &mut [&mut Dynamic]| -> Answer<Dynamic> {
            let mut all: Vec<Dynamic> = given.iter().map(|value| (**value).clone()).collect();
            let at = if word.options_stand_first() { 0 } else { all.len() };
            all.insert(at, Dynamic::from_map(Map::new()));
            context.call_native_fn(word.name, all)
        });
    }
}

/// Where an argument may be left out, too, options may stand in its place, and the word itself tells them apart.
fn may_do_without(word: &Word) -> bool {
    !word.options.is_empty() && word.options.iter().all(|option| !option.required) && word.params.iter().all(|param| param.required)
}
