//! Master data on the command line: from files, or field by field.

use crate::client::registry::{RECORDS_MAX, read_json, records};
use crate::exit::Failure;
use clap::Args as ClapArgs;
use ledger::cbor::Map;
use std::path::PathBuf;

/// Records from files or flags.
#[derive(Debug, ClapArgs)]
pub(crate) struct MasterArgs {
    /// JSON files, each one object or a list of them, as in `schemas/examples`.
    #[arg(required_unless_present = "id", conflicts_with = "id")]
    files: Vec<PathBuf>,
    /// The identifier, where no file is given.
    #[arg(long)]
    id: Option<String>,
    /// The name in Chinese.
    #[arg(long, requires = "id")]
    zh: Option<String>,
    /// The name in English.
    #[arg(long, requires = "id")]
    en: Option<String>,
    /// Any other field; the value is JSON, or else text.
    #[arg(long = "set", value_name = "FIELD=VALUE", requires = "id")]
    fields: Vec<String>,
}

impl MasterArgs {
    /// The records, each with its canonical id.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn records(&self) -> Result<Vec<Map>, Failure> {
        let mut found = Vec::new();
        for path in &self.files {
            found.extend(records(&read_json(path)?)?);
        }
        if let Some(id) = &self.id {
            found.extend(records(&self.object(id)?)?);
        }
        if found.len() > RECORDS_MAX {
            let what = format!("{} records, a statement holds {RECORDS_MAX}", found.len());
            return Err(Failure::usage(what).remedy("give fewer files at a time"));
        }
        Ok(found)
    }

    fn object(&self, id: &str) -> Result<serde_json::Value, Failure> {
        let mut json = serde_json::json!({ "id": id });
        let names = (self.zh.as_deref(), self.en.as_deref());
        if let (Some(name), other) | (other, Some(name)) = names {
            let zh = self.zh.as_deref().or(other).unwrap_or(name);
            let en = self.en.as_deref().or(other).unwrap_or(name);
            json["name"] = serde_json::json!({"zh": zh, "en": en});
        }
        for field in &self.fields {
            let (name, value) = field
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("--set {field}: not FIELD=VALUE")))?;
            json[name] = serde_json::from_str(value).unwrap_or_else(|_| value.into());
        }
        Ok(json)
    }
}
