//! What a participant was authorised to do: its roles and licences, as each act left them.

use super::names::{text, texts};
use super::source::{Content, Touch};
use crate::cbor::Value;
use crate::ids::{Handle, UnixMillis};
use crate::policy::Authorisation;
use crate::registry::Action;
use crate::state::{Licence, Role, Roles};
use std::collections::BTreeMap;

/// What one act of the registry says of a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) recorded: UnixMillis,
    pub(super) roles: Roles,
    licences: Vec<Licence>,
    /// Categories of goods that a licence covers, by its kind, where its record says so.
    scopes: BTreeMap<String, Vec<String>>,
}

/// The standings of a participant, in log order.
pub(super) fn standings(list: &[Touch], wanted: Handle) -> Vec<Standing> {
    list.iter()
        .filter_map(|touch| {
            let Content::Registry { action, record } = &*touch.content else {
                return None;
            };
            let (Action::Admit {
                handle,
                roles,
                licences,
                ..
            }
            | Action::Amend {
                handle,
                roles,
                licences,
                ..
            }) = action
            else {
                return None;
            };
            let described = record.get("licences").and_then(Value::as_array);
            let scopes = described
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_map)
                .filter(|licence| licence.get("scope").is_some())
                .map(|licence| {
                    let scope = texts(licence, "scope").map(str::to_owned).collect();
                    (text(licence, "kind").to_owned(), scope)
                });
            (*handle == wanted).then(|| Standing {
                recorded: touch.recorded,
                roles: *roles,
                licences: licences.clone(),
                scopes: scopes.collect(),
            })
        })
        .collect()
}

impl Standing {
    /// Whether one of `needed` was valid at `time` and covers goods of this category.
    pub(super) fn covers(&self, needed: &[Authorisation], time: i64, category: &str) -> bool {
        let in_scope = |kind: &str| {
            self.scopes.get(kind).is_none_or(|scope| {
                // Categories are told by their two digits where they have them: `03 调味品`.
                scope
                    .iter()
                    .any(|one| one == category || category.split(' ').next() == Some(one))
            })
        };
        self.licences.iter().any(|licence| {
            let wanted = needed.iter().any(|one| one.kind == licence.kind);
            wanted && licence.from.0 <= time && time < licence.until.0 && in_scope(&licence.kind)
        })
    }

    /// Those of `roles` that it has.
    pub(super) fn has(&self, roles: &[Role]) -> Vec<Role> {
        roles
            .iter()
            .copied()
            .filter(|role| self.roles.has(*role))
            .collect()
    }
}
