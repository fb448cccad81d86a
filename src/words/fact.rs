//! Facts as a script sees them: read-only values whose fields are those of the model.

use std::sync::Arc;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};
use serde::Serialize;
use serde_json::Value;

use super::run::{Answer, Run};
use crate::model::nearest::nearest;

/// A value of the model in a script's hands: cheap to copy, impossible to change.
pub struct Fact<T>(pub Arc<T>);

impl<T> Clone for Fact<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Fact<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

/// Fields beside those of the model, computed.
pub trait Fields: Serialize {
    /// The computed field of that name.
    fn field(&self, name: &str) -> Option<Value>;
    /// The names of the computed fields.
    const COMPUTED: &'static [&'static str];
    /// What a script sees of it, when it is not all of it.
    ///
    /// # Errors
    /// When it cannot be JSON.
    fn shown(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }
}

/// Makes a fact's fields readable in scripts. An unknown field is an error that names the nearest.
pub fn register<T: Fields + Send + Sync + 'static>(engine: &mut Engine, name: &'static str) {
    engine.register_type_with_name::<Fact<T>>(name);
    engine
        .register_indexer_get(move |context: NativeCallContext, fact: &mut Fact<T>, key: ImmutableString| read(&context, name, fact, &key));
    engine.register_fn("to_string", |fact: &mut Fact<T>| text(fact));
    engine.register_fn("to_debug", |fact: &mut Fact<T>| text(fact));
}

fn text<T: Fields>(fact: &Fact<T>) -> String {
    fact.0.shown().map(|value| value.to_string()).unwrap_or_default()
}

fn read<T: Fields>(context: &NativeCallContext, name: &str, fact: &Fact<T>, key: &str) -> Answer<Dynamic> {
    if let Some(value) = fact.0.field(key) {
        return dynamic(context, &value);
    }
    let whole = fact.0.shown().map_err(|error| Run::refuse(context, error.to_string()))?;
    if let Some(value) = whole.get(key) {
        return dynamic(context, value);
    }
    let mut fields: Vec<&str> = whole.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str)).collect();
    fields.extend(T::COMPUTED);
    let hint = nearest(key, fields.iter().copied()).map(|field| format!("; did you mean `{field}`?")).unwrap_or_default();
    Err(Box::new(EvalAltResult::ErrorPropertyNotFound(format!("`{key}` of {name}{hint}"), context.call_position())))
}

fn dynamic(context: &NativeCallContext, value: &Value) -> Answer<Dynamic> {
    if value.is_null() {
        return Ok(Dynamic::UNIT);
    }
    rhai::serde::to_dynamic(value).map_err(|error| Run::refuse(context, error.to_string()))
}
