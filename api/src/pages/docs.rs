//! An OpenAPI 3.1 document as a list for reading. What the document does not say is left out.

use serde_json::Value;

/// Path items hold these, in the order people expect (OpenAPI 3.1 §4.8.9).
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One operation.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub method: &'static str,
    pub path: &'a str,
    pub summary: &'a str,
    pub description: &'a str,
    pub parameters: Vec<Parameter<'a>>,
    /// Status and description.
    pub answers: Vec<(&'a str, &'a str)>,
}

/// One parameter.
#[derive(Debug)]
pub(crate) struct Parameter<'a> {
    pub name: &'a str,
    pub place: &'a str,
    pub required: bool,
    pub description: &'a str,
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The operations, by path as the document orders them.
pub(crate) fn operations(openapi: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    let paths = openapi.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let shared = item.get("parameters").and_then(Value::as_array);
            let own = operation.get("parameters").and_then(Value::as_array);
            let parameters = shared.into_iter().chain(own).flatten();
            let answers = operation.get("responses").and_then(Value::as_object);
            operations.push(Operation {
                method,
                path,
                summary: text(operation, "summary"),
                description: text(operation, "description"),
                parameters: parameters
                    .map(|one| resolve(openapi, one))
                    .map(|one| Parameter {
                        name: text(one, "name"),
                        place: text(one, "in"),
                        required: one.get("required") == Some(&Value::Bool(true)),
                        description: text(one, "description"),
                    })
                    .collect(),
                answers: answers
                    .into_iter()
                    .flatten()
                    .map(|(status, answer)| {
                        (
                            status.as_str(),
                            text(resolve(openapi, answer), "description"),
                        )
                    })
                    .collect(),
            });
        }
    }
    operations
}

/// What a local `$ref` points to; one step, which is all our own document uses.
fn resolve<'a>(openapi: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|at| at.strip_prefix('#'));
    pointer
        .and_then(|pointer| openapi.pointer(pointer))
        .unwrap_or(value)
}
