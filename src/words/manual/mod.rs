//! The manual: every word's description as plain data, by groups. It asks nothing and looks at nothing; what words do stands with their code.

pub mod capture;
pub mod cluster;
pub mod flow;
pub mod node;
pub mod objects;
pub mod outcome;
pub mod probe;
pub mod records;
pub mod values;
