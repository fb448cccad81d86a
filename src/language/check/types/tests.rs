//! What types are known as, joined, put into each other and bounded.

use super::*;
use crate::words::manual::records::service::SERVICE;
use crate::words::word::Kind;

#[test]
fn what_may_be_either_is_known_as_far_as_both_agree() {
    assert_eq!(Type::UNIT.join(&Type::INT), Type::INT.or_nothing());
    let either = Type::INT.join(&Type::TEXT);
    assert_eq!((either.shown().as_str(), either.is_known()), ("a number or text", false));
    assert_eq!(either.join(&Type::UNIT).join(&Type::INT).shown(), "a number or text or ()");
    assert_eq!((Type::INT.join(&Type::FLOAT).of, either.join(&Type::FLOAT).of, either.join(&Type::ANY).of), (Of::Any, Of::Any, Of::Any));
    assert_eq!(Type::list(Type::NEVER).join(&Type::list(Type::INT)), Type::list(Type::INT));
    assert_eq!(Type::one_of(&["a"]).join(&Type::one_of(&["b"])), Type::one_of(&["a", "b"]));
    assert_eq!(Type::one_of(&["a"]).join(&Type::TEXT), Type::TEXT);
    let service = Type::of_kind(Kind::Record(&SERVICE));
    assert_eq!(service.join(&service), service);
    assert!(Type::UNIT.is_unit() && !Type::ANY.is_known() && !service.clone().or_nothing().is_sure() && service.is_sure());
}

#[test]
fn what_is_put_into_a_value_is_a_part_of_it() {
    let key = |name: &str| Step::Key(name.to_owned());
    let list = Type::list(Type::NEVER).with(&[Step::Part], &Type::INT);
    assert_eq!((&list, list.part()), (&Type::list(Type::INT), Type::INT));
    let map = Type::from(Of::Shape(Rc::default()));
    assert_eq!(map.with(&[key("a"), key("b")], &Type::INT), map, "nothing is there to be put into");
    let map = map.with(&[key("a")], &Type::from(Of::Shape(Rc::default()))).with(&[key("a"), key("b")], &Type::INT);
    let Of::Shape(shape) = map.with(&[Step::Part], &Type::TEXT).of else { panic!("a map stays one") };
    assert_eq!((shape.rest.as_ref(), shape.keys.len()), (Some(&Type::TEXT), 1));
    assert_eq!(shape.keys["a"].value.shown(), "text or a map", "the key that is reckoned may be this one");
    let rows = Type::map(Type::list(Type::NEVER)).with(&[Step::Part, Step::Part], &Type::BOOL);
    assert_eq!(rows, Type::map(Type::list(Type::BOOL)));
    assert_eq!(Type::of_kind(Kind::Record(&SERVICE)).with(&[key("name")], &Type::INT).of, Of::Any);
}

#[test]
fn what_holds_itself_has_an_end() {
    let mut list = Type::list(Type::NEVER);
    for _ in 0..50 {
        list = Type::list(list.clone()).join(&list).bounded();
    }
    assert_eq!(Type::list(list.clone()).join(&list).bounded(), list);
}
