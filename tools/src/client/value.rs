//! JSON files into registry records, by value: a number's spelling is not kept.

use crate::exit::Failure;
use ledger::cbor::{DEPTH_MAX, Map, Value};
use ledger::decimal::parse_number;

/// Reads a JSON object as a record.
///
/// # Errors
/// [`Failure`], malformed, with the place.
pub(crate) fn record(json: &serde_json::Map<String, serde_json::Value>) -> Result<Map, Failure> {
    map(json, "", 0)
}

fn map(
    json: &serde_json::Map<String, serde_json::Value>,
    path: &str,
    depth: usize,
) -> Result<Map, Failure> {
    json.iter()
        .map(|(key, item)| {
            Ok((
                key.clone(),
                value(item, &format!("{path}/{key}"), depth + 1)?,
            ))
        })
        .collect()
}

fn value(json: &serde_json::Value, path: &str, depth: usize) -> Result<Value, Failure> {
    // A disclosure is one level deeper than its record.
    if depth >= DEPTH_MAX {
        return Err(Failure::malformed(format!(
            "{path}: nested deeper than {DEPTH_MAX}"
        )));
    }
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => parse_number(&number.to_string())
            .map_err(|error| Failure::malformed(format!("{path}: {error}")))?,
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => {
            let items = items.iter().enumerate();
            let items = items.map(|(at, item)| value(item, &format!("{path}/{at}"), depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        serde_json::Value::Object(fields) => Value::Map(map(fields, path, depth)?),
    })
}
