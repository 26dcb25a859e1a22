//! What an audit can find, and under which names.

use crate::forget::PartRef;
use crate::ids::LeafIndex;
use crate::signature::KeyId;

/// What an audit found wrong, or could only take on trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFinding {
    /// The body at a leaf does not match the entry, or no admission rule lets it in.
    #[error("leaf {leaf}: not admissible: {why}")]
    NotAdmissible {
        /// The leaf.
        leaf: LeafIndex,
        /// The refusal's name and text.
        why: String,
    },
    /// The kept effects are not those the rules give.
    #[error("leaf {leaf}: effects differ from those recomputed")]
    EffectsDiffer {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// A body is gone: its effects were taken, not recomputed.
    #[error("leaf {leaf}: body absent, effects taken and not recomputed")]
    BodyAbsent {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// An entry, body or effects do not decode.
    #[error("leaf {leaf}: damaged {what}: {why}")]
    Damaged {
        /// The leaf.
        leaf: LeafIndex,
        /// Which record.
        what: &'static str,
        /// How.
        why: String,
    },
    /// A personal part was ordered deleted, and its key is still there.
    #[error("leaf {}, disclosure {}: the key of part {} outlived the order at leaf {order}",
        part.at.leaf, part.at.index, part.part)]
    KeyOutlivedOrder {
        /// The part.
        part: PartRef,
        /// The order.
        order: LeafIndex,
    },
    /// A personal part cannot be read, and nothing on the ledger orders that.
    #[error("leaf {}, disclosure {}: part {} has lost its key, and no order says so",
        part.at.leaf, part.at.index, part.part)]
    KeyLost {
        /// The part.
        part: PartRef,
    },
    /// A signature does not verify, or its key is not on the ledger.
    #[error("leaf {leaf}: signature invalid under key {key}")]
    SignatureInvalid {
        /// The leaf.
        leaf: LeafIndex,
        /// The key.
        key: KeyId,
    },
    /// A header says something else than the replay.
    #[error("block {height}: header field {field} differs from the replay")]
    HeaderDiffers {
        /// The block.
        height: u64,
        /// The field.
        field: &'static str,
    },
    /// Leaves are missing.
    #[error("leaf {leaf} is missing")]
    LeafMissing {
        /// The first missing leaf.
        leaf: LeafIndex,
    },
    /// The stored head, checkpoint or tail is not that of the replay.
    #[error("head: {field} differs from the replay")]
    HeadDiffers {
        /// The field.
        field: &'static str,
    },
    /// A stored view differs from what the entries give.
    #[error("view {what} differs: {detail}")]
    ViewDiffers {
        /// Which view.
        what: &'static str,
        /// Where.
        detail: String,
    },
}

impl AuditFinding {
    /// The stable name, as tests and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotAdmissible { .. } => "not-admissible",
            Self::EffectsDiffer { .. } => "effects-differ",
            Self::BodyAbsent { .. } => "body-absent",
            Self::Damaged { .. } => "damaged",
            Self::KeyOutlivedOrder { .. } => "key-outlived-order",
            Self::KeyLost { .. } => "key-lost",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::HeaderDiffers { .. } => "header-differs",
            Self::LeafMissing { .. } => "leaf-missing",
            Self::HeadDiffers { .. } => "head-differs",
            Self::ViewDiffers { .. } => "view-differs",
        }
    }

    /// Whether this is damage or fraud, rather than something taken on trust.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        !matches!(self, Self::BodyAbsent { .. })
    }
}
