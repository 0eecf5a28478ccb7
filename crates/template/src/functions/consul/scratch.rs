//! The store that `scratch` gives access to.

use std::any::Any;

use crate::functions::{Call, Failure};
use crate::value::{List, Map, Method, Object, Type, Value};

pub(super) struct Scratch(pub(super) Map);

const KEY: &[Type] = &[Type::String];
const KEY_VALUE: &[Type] = &[Type::String, Type::Any];
const KEY_KEY_VALUE: &[Type] = &[Type::String, Type::String, Type::Any];

impl Object for Scratch {
    fn type_name(&self) -> &'static str {
        "*template.Scratch"
    }

    fn method(&self, name: &str) -> Option<Method> {
        let (params, result) = match name {
            "Key" => (KEY, Type::Bool),
            "Get" => (KEY, Type::Any),
            "Set" | "SetX" => (KEY_VALUE, Type::String),
            "MapSet" | "MapSetX" => (KEY_KEY_VALUE, Type::String),
            "MapValues" => (KEY, Type::Any),
            _ => return None,
        };
        Some(Method::new(params, result))
    }

    fn call(&self, name: &str, call: &mut Call<'_>) -> Result<Value, Failure> {
        let key = call.text(0).clone();
        let nothing = Ok(Value::string(""));
        match name {
            "Key" => Ok(Value::Bool(self.0.contains(&key))),
            "Get" => Ok(self.0.get(&key).unwrap_or(Value::Nil)),
            "Set" => {
                self.0.set(key, call.arg(1).clone());
                nothing
            }
            "SetX" => {
                if !self.0.contains(&key) {
                    self.0.set(key, call.arg(1).clone());
                }
                nothing
            }
            "MapSet" | "MapSetX" => {
                let map = match self.0.get(&key) {
                    Some(Value::Map(map)) => map,
                    None => {
                        let map = Map::empty();
                        self.0.set(key, map.clone().into());
                        map
                    }
                    Some(_) => {
                        let quoted = pannier_go::quote::quote(&key);
                        return Err(Failure::new(format!("{quoted} is not a map")));
                    }
                };
                let inner = call.text(1).clone();
                if name == "MapSet" || !map.contains(&inner) {
                    map.set(inner, call.arg(2).clone());
                }
                nothing
            }
            _ => Ok(match self.0.get(&key) {
                Some(Value::Map(map)) => {
                    Value::list(map.entries().into_iter().map(|(_, v)| v).collect())
                }
                _ => Value::List(List::nil(&Type::Any)),
            }),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
