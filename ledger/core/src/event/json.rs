//! JSON ↔ value trees, by value: a number's spelling is not kept, its value is.

use super::error::{EventError, EventFault, Path};
use crate::cbor::{DEPTH_MAX, Map, Value};
use crate::decimal::parse_number;

/// Reads a JSON value.
pub(super) fn to_value(json: &serde_json::Value, path: &mut Path) -> Result<Value, EventError> {
    read(json, path, 0)
}

fn read(json: &serde_json::Value, path: &mut Path, depth: usize) -> Result<Value, EventError> {
    if depth > DEPTH_MAX {
        return Err(path.error(EventFault::TooDeep {
            depth_max: DEPTH_MAX,
        }));
    }
    let here = path.len();
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => parse_number(&number.to_string())
            .map_err(|why| path.error(EventFault::BadNumber(why)))?,
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => {
            let mut read_items = Vec::with_capacity(items.len());
            for (at, item) in items.iter().enumerate() {
                path.index(at);
                read_items.push(read(item, path, depth + 1)?);
                path.back_to(here);
            }
            Value::Array(read_items)
        }
        serde_json::Value::Object(fields) => {
            let mut map = Map::new();
            for (key, field) in fields {
                path.key(key);
                map.insert(key.as_str(), read(field, path, depth + 1)?);
                path.back_to(here);
            }
            Value::Map(map)
        }
    })
}

/// Writes a value as JSON. Marks of withheld parts are left out: JSON has no form for them.
pub(super) fn from_value(value: &Value) -> serde_json::Value {
    match value {
        Value::Null | Value::Bytes(_) => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Decimal(decimal) => serde_json::Value::Number(
            decimal
                .to_string()
                .parse()
                .expect("a decimal is written as a JSON number"),
        ),
        Value::Text(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(from_value).collect(),
        Value::Map(map) => serde_json::Value::Object(from_map(map)),
    }
}

/// Writes a map as a JSON object.
pub(crate) fn from_map(map: &Map) -> serde_json::Map<String, serde_json::Value> {
    map.iter()
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), from_value(value)))
        .collect()
}
