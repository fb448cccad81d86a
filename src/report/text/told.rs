//! What other formats for people say in the same words.

pub(in crate::report) use super::outcome::{
    announced, captures, counted, end, grouped, headline, left_behind, offset, ran, ruled_out, short, tenths, times,
};
