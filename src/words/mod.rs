//! The words of the language, a folder for each group and one file a word. They ask `evidence`, reason with `analysis`, and hand plain
//! facts to the script.
//!
//! What is known of each word is data (`all`, `word`, `manual`) and touches nothing; what it does stands in its group's folder, and
//! `code` gives it to an engine. What the words of one run share is `session`; what a judgement rests on is gathered in `case`. A word never reaches a `live` module and never prints.

pub mod all;
mod allow;
pub mod apart;
pub mod capture;
pub mod case;
pub mod cluster;
pub mod code;
pub mod ending;
pub mod fact;
pub mod fits;
pub mod flow;
pub mod forms;
pub mod kind_names;
mod kind_text;
pub mod left_out;
pub mod manual;
pub mod mark;
pub mod mistake;
pub mod node;
pub mod options;
pub mod outcome;
pub mod printed;
pub mod probe;
pub mod room;
pub mod session;
pub mod source_ports;
pub mod state;
pub mod values;
pub mod word;
