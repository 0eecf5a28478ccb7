//! Values with fields and methods: secrets, times, `scratch`.

use std::any::Any;
use std::rc::Rc;

use super::{Text, Type, Value};
use crate::functions::{Call, Failure};

/// Whether Go would hold the structure itself or a pointer to it; decides how it prints (`{..}` or `&{..}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A pointer: [`Object::type_name`] starts with `*`.
    Pointer,
    /// The structure itself.
    Struct,
}

/// How a method is called.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The types of its parameters; the last one is the type of each further argument if `variadic`.
    pub params: &'static [Type],
    /// Whether the last parameter may be repeated, or left out.
    pub variadic: bool,
    /// The static type of the result; `Type::Any` if Go declares `interface {}` or `any`.
    pub result: Type,
    /// Why templates cannot call it although it is there, in Go's words: it has more than one result.
    pub uncallable: Option<&'static str>,
}

impl Method {
    /// A method with exactly these parameters.
    #[must_use]
    pub const fn new(params: &'static [Type], result: Type) -> Self {
        Self {
            params,
            variadic: false,
            result,
            uncallable: None,
        }
    }

    /// A method without parameters whose results are not for templates: `function Date has 3 return values; ...`.
    #[must_use]
    pub const fn uncallable(why: &'static str) -> Self {
        Self {
            uncallable: Some(why),
            ..Self::new(&[], Type::Any)
        }
    }
}

/// A structure with fields and methods.
pub trait Object {
    /// The full Go name, with `*` for a pointer: `*dependency.Secret`, `time.Time`.
    fn type_name(&self) -> &'static str;

    /// Pointer or structure.
    fn shape(&self) -> Shape {
        Shape::Pointer
    }

    /// All fields, in the order Go declares (and prints) them. `Value::Nil` stands for a nil interface field. A name that
    /// starts with a small letter is private: it is printed, and reaching for it has an error text of its own.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// One public field; by default looked up in [`Object::fields`].
    fn field(&self, name: &str) -> Option<Value> {
        if !name.starts_with(char::is_uppercase) {
            return None;
        }
        self.fields()
            .into_iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| v)
    }

    /// The method of that name, if there is one.
    fn method(&self, _name: &str) -> Option<Method> {
        None
    }

    /// Calls a method that [`Object::method`] announced; the arguments are of the types it named.
    ///
    /// # Errors
    /// The method's own.
    fn call(&self, name: &str, _call: &mut Call<'_>) -> Result<Value, Failure> {
        Err(Failure::new(format!("no method {name}")))
    }

    /// The text of Go's `String()` method, for types that have one.
    fn string(&self) -> Option<Text> {
        None
    }

    /// The text of Go's `GoString()` method, which `%#v` prints, for types that have one.
    fn go_string(&self) -> Option<Text> {
        None
    }

    /// Whether both are equal as Go's `==` has it; `None` if the type cannot be compared. Pointers are compared by
    /// identity before this is asked.
    fn equals(&self, _other: &dyn Object) -> Option<bool> {
        None
    }

    /// For downcasting: `self`.
    fn as_any(&self) -> &dyn Any;
}

/// The code of a function value.
pub type FuncBody = Rc<dyn Fn(&mut Call<'_>) -> Result<Value, Failure>>;

/// A function as a value, which `call` runs.
pub struct FuncValue {
    /// Go's name of its type: `func(string) string`.
    pub type_name: &'static str,
    /// The types of its parameters; the last one is the type of each further argument if `variadic`.
    pub params: &'static [Type],
    /// Whether the last parameter may be repeated, or left out.
    pub variadic: bool,
    /// The static type of the result.
    pub result: Type,
    /// What it does.
    pub run: FuncBody,
    /// The address Go would print; any number that does not change.
    pub address: u64,
}
