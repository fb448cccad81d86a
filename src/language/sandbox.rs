//! The engine of the language without its words: no files, no network, no `eval`, and bounds on everything.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use rhai::module_resolvers::DummyModuleResolver;
use rhai::{Engine, OptimizationLevel};

/// Operations of one run; a playbook's own work is small, its words do the looking.
const MOST_OPERATIONS: u64 = 5_000_000;

/// An engine that knows the language but no words: for reading a playbook.
#[must_use]
pub fn bare() -> Engine {
    let mut engine = Engine::new();
    // Constants such as `params` have other values when the playbook runs than when it is read.
    engine.set_optimization_level(OptimizationLevel::None);
    engine.set_max_operations(MOST_OPERATIONS);
    engine.set_max_call_levels(64);
    engine.set_max_expr_depths(64, 32);
    engine.set_max_string_size(1 << 20);
    engine.set_max_array_size(100_000);
    // What is nested counts too: the paths of one run have thousands of fields.
    engine.set_max_map_size(10_000);
    engine.set_max_variables(1_000);
    engine.set_max_functions(1_000);
    engine.set_max_modules(32);
    engine.set_fail_on_invalid_map_property(true);
    engine.set_module_resolver(DummyModuleResolver::new());
    engine.disable_symbol("eval");
    engine
}

/// Functions that the language has without any word of ours.
#[must_use]
pub fn rhais_own() -> &'static BTreeSet<String> {
    static NAMES: OnceLock<BTreeSet<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let signatures = bare().gen_fn_signatures(true);
        let named = signatures
            .iter()
            .filter_map(|signature| signature.split('(').next())
            .map(|head| head.rsplit(' ').next().unwrap_or(head).to_owned());
        // These are part of the language itself and have no signature.
        let keywords = ["print", "debug", "type_of", "call", "curry", "is_shared", "is_def_var", "is_def_fn", "Fn"].map(str::to_owned);
        named.chain(keywords).collect()
    })
}
