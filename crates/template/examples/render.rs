//! Renders a template with a secret and a function of one's own:
//!
//! ```text
//! cargo run -p pannier-template --example render
//! ```
#![expect(clippy::print_stdout, reason = "a command that reports to people")]

use std::sync::Arc;

use pannier_go::json;
use pannier_template::functions::Function;
use pannier_template::{
    Answer, Dependency, Host, Limits, Options, Render, Secret, Template, Type, Value,
};

/// Answers `secret "kv/db"` once it has been fetched, and knows nothing else.
struct Store(Option<Arc<Secret>>);

impl Host for Store {
    fn lookup(&self, dependency: &Dependency) -> Option<Answer> {
        match dependency {
            Dependency::Read { path, .. } if path == "kv/db" => {
                self.0.clone().map(|secret| Answer::Secret(Some(secret)))
            }
            _ => None,
        }
    }
}

const SHOUT: Function = Function::new(
    "shout",
    "shout S",
    "S with an exclamation mark.",
    &[Type::String],
    Type::String,
    |call| {
        let mut text = call.text(0).to_vec();
        text.push(b'!');
        Ok(Value::string(text))
    },
);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = "{{ with secret \"kv/db\" }}{{ .Data.data.user | toUpper | shout }} on {{ .Data.data.port }}{{ end }}";
    let options = Options {
        functions: vec![SHOUT],
        ..Options::default()
    };
    let template = Template::parse("greeting", source, &options)?;

    // The first pass finds what has to be fetched.
    let mut store = Store(None);
    if let Render::Needs(needs) = template.render(&store, Value::Nil, &Limits::default())? {
        println!("needs {needs:?}");
    }

    // Then it is there, and the second pass gives the text.
    let data = json::decode(r#"{"data":{"user":"bob","port":5432}}"#)?;
    store.0 = Some(Arc::new(Secret {
        data,
        ..Secret::default()
    }));
    if let Render::Text(text) = template.render(&store, Value::Nil, &Limits::default())? {
        println!("{}", text.to_lossy());
    }

    // An error says where and why, and keeps secrets to itself.
    let broken = Template::parse(
        "broken",
        "{{ with secret \"kv/db\" }}\n{{ .Data.data.user | parseInt }}{{ end }}",
        &options,
    )?;
    if let Err(error) = broken.render(&store, Value::Nil, &Limits::default()) {
        println!("{}", error.report());
    }
    Ok(())
}
