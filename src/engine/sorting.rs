//! Sorting by a playbook's own comparison. Rhai's uses the standard library's sort, which panics where a comparison contradicts itself, and
//! goes on after one that failed.

use std::cmp::Ordering;

use rhai::{Array, Dynamic, Engine, FnPtr, NativeCallContext};

use crate::words::session::Answer;

/// Puts it before Rhai's own.
pub(super) fn register(engine: &mut Engine) {
    for name in ["sort", "sort_by"] {
        engine.register_fn(name, |context: NativeCallContext, array: &mut Array, comparer: FnPtr| -> Answer<()> {
            *array = sorted(array.clone(), &mut |one, other| order(&context, &comparer, one, other))?;
            Ok(())
        });
    }
    for name in ["order", "order_by"] {
        engine.register_fn(name, |context: NativeCallContext, array: &mut Array, comparer: FnPtr| -> Answer<Array> {
            sorted(array.clone(), &mut |one, other| order(&context, &comparer, one, other))
        });
    }
}

/// What a comparison says: a number by its sign, `true` for the first before the second.
fn order(context: &NativeCallContext, comparer: &FnPtr, one: &Dynamic, other: &Dynamic) -> Answer<Ordering> {
    let said = comparer.call_within_context::<Dynamic>(context, (one.clone(), other.clone()))?;
    Ok(match (said.as_int(), said.as_bool()) {
        (Ok(number), _) => number.cmp(&0),
        (_, Ok(true)) => Ordering::Less,
        (_, Ok(false)) => Ordering::Greater,
        _ => one.type_id().cmp(&other.type_id()),
    })
}

/// Stable, by merging runs of doubling length; whatever is said of two items, each is in the result once.
fn sorted<T: Clone, E>(mut items: Vec<T>, compare: &mut impl FnMut(&T, &T) -> Result<Ordering, E>) -> Result<Vec<T>, E> {
    let mut length = 1;
    while length < items.len() {
        let mut merged = Vec::with_capacity(items.len());
        for pair in items.chunks(2 * length) {
            let (mut left, mut right) = pair.split_at(length.min(pair.len()));
            while let (Some(one), Some(other)) = (left.first(), right.first()) {
                let taken = if compare(one, other)? == Ordering::Greater { &mut right } else { &mut left };
                merged.push(taken[0].clone());
                *taken = &taken[1..];
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        items = merged;
        length *= 2;
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn items_are_sorted_as_the_standard_library_sorts_them(items in proptest::collection::vec((0_u8..9, any::<u8>()), 0..80)) {
            let ours = sorted(items.clone(), &mut |one, other| Ok::<_, ()>(one.0.cmp(&other.0))).unwrap();
            let mut theirs = items;
            theirs.sort_by_key(|item| item.0);
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn a_comparison_that_contradicts_itself_loses_no_item(items in proptest::collection::vec(any::<u8>(), 0..80), said in proptest::collection::vec(-1_i8..2, 1..9)) {
            let mut turn = said.iter().cycle();
            let mut ours = sorted(items.clone(), &mut |_, _| Ok::<_, ()>(turn.next().unwrap().cmp(&0))).unwrap();
            let mut theirs = items;
            ours.sort_unstable();
            theirs.sort_unstable();
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn a_comparison_that_fails_ends_the_sort() {
        let mut asked = 0;
        let failed = sorted(vec![3, 1, 2, 5], &mut |_, _| {
            asked += 1;
            if asked == 2 { Err("no") } else { Ok(Ordering::Less) }
        });
        assert_eq!((failed, asked), (Err("no"), 2));
    }
}
