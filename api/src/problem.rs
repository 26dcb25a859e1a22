//! Everything that can go wrong for a caller, as a problem document.
//!
//! One list: what it is called, whose fault, which status, and what to do, in Chinese and English.
//! Refused statements keep the ledger's own names ([`RejectReason::name`]); all others are named
//! here. SCRAPI resources answer with concise problem details in CBOR (RFC 9290) under SCRAPI's
//! titles, all others with JSON (RFC 9457).

use crate::pages::Lang;
use crate::refusals::{self, Bilingual};
use crate::sequence::SequenceError;
use crate::service::{CosignError, NotSigning, SubmitError};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::cbor::{DecodeFault, Writer};
use ledger::identifier::IdentifierError;
use ledger::ids::{CaptureId, Handle};
use ledger::reject::{Fault, RejectReason};
use ledger::store::StoreError;
use ledger::token::TokenError;
use ledger::witness::Refusal;
use serde_json::{Value, json};
use std::sync::Arc;

/// Media type of RFC 9457.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Media type of RFC 9290.
pub(crate) const PROBLEM_CBOR: &str = "application/concise-problem-details+cbor";

/// Why a request has no other answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    /// A statement was refused.
    #[error("{reason}")]
    Rejected {
        // Boxed: a refusal is large, and every result here carries room for it.
        reason: Box<RejectReason>,
        capture: Option<CaptureId>,
        refusal: Vec<u8>,
    },
    /// The node's queue is full.
    #[error("too many statements wait to be recorded")]
    Busy { retry_after_s: u32 },
    /// The node takes no more statements.
    #[error("the node has stopped taking statements; a statement sent again is recorded once")]
    Halted,
    /// The log signs nothing, though it can be read.
    #[error("{0}")]
    NotSigning(#[from] NotSigning),
    /// One client asks too often.
    #[error("too many requests from this address")]
    TooManyRequests { retry_after_s: u32 },
    /// All clients together ask too much.
    #[error("too many requests are being answered")]
    Overloaded,
    /// It took too long.
    #[error("the request took longer than {limit_s} s")]
    TimedOut { limit_s: u64 },
    /// The body is larger than the limit.
    #[error("the body is larger than {limit_bytes} bytes")]
    BodyTooLarge { limit_bytes: u64 },
    /// The body did not arrive.
    #[error("the body broke off or did not arrive in time")]
    BodyIncomplete,
    /// A sequence cannot be cut into items.
    #[error("{0}")]
    Sequence(#[from] SequenceError),
    /// More statements in one sequence than the limit.
    #[error("more than {limit} statements in one sequence")]
    SequenceTooLong { limit: usize },
    /// The body's media type is not one this resource takes.
    #[error("this resource takes application/cose or application/cbor-seq, not {found:?}")]
    UnsupportedMediaType { found: String },
    /// None of the forms on offer suits the client.
    #[error("this resource is offered as {offers}")]
    NotAcceptable { offers: &'static str },
    /// The resource has no such method.
    #[error("this resource does not answer that method")]
    MethodNotAllowed,
    /// No such resource.
    #[error("nothing is served under this path")]
    NotFound,
    /// Path and query are longer than any that is served.
    #[error("path and query are longer than {limit_bytes} bytes")]
    TargetTooLong { limit_bytes: usize },
    /// The id of an entry is not a leaf's number.
    #[error("{found:?} is not the number of a leaf")]
    EntryIdInvalid { found: String },
    /// No such entry.
    #[error("the log has no statement at leaf {leaf}")]
    EntryUnknown { leaf: u64 },
    /// No such log key.
    #[error("no key of this log has that id")]
    LogKeyUnknown,
    /// Nothing was recorded yet.
    #[error("the log has no entry yet")]
    LogEmpty,
    /// A parameter that must be there is not.
    #[error("the parameter {parameter} is missing")]
    ParameterMissing { parameter: &'static str },
    /// A parameter's value makes no sense.
    #[error("the parameter {parameter} is wrong: {why}")]
    ParameterInvalid { parameter: String, why: String },
    /// A query parameter of EPCIS, or a slip of the pen, that is not answered here.
    #[error("the parameter {parameter} is not supported")]
    ParameterUnsupported { parameter: String },
    /// What was scanned is no code.
    #[error("{0}")]
    CodeInvalid(#[from] IdentifierError),
    /// The code names a product, not a lot or item.
    #[error("{item} names a product; its lot or serial number is needed")]
    LotNeeded { item: String },
    /// The bundle would be larger than a verifier takes.
    #[error("the bundle would have {bytes} bytes, more than {limit_bytes}")]
    BundleTooLarge { bytes: usize, limit_bytes: usize },
    /// No such participant.
    #[error("no participant {handle} is on the ledger")]
    ParticipantUnknown { handle: String },
    /// No such hold or recall.
    #[error("nothing was ordered under that case")]
    CaseUnknown,
    /// No such event.
    #[error("no event of that id is on the ledger")]
    EventUnknown,
    /// An event id is unique only with its issuer.
    #[error("an event id is unique for one issuer only; the parameter issuer is missing")]
    EventIssuerNeeded,
    /// Events without naming an item are listed to those who prove who they are.
    #[error("without an exact item, events are listed to those only who prove who they are")]
    BulkListingNeedsIdentity,
    /// Forward traces are for those who had the goods, and who has a say over them.
    #[error("forward traces are answered to those only who prove who they are")]
    ForwardNeedsIdentity,
    /// Withheld parts are for those they concern.
    #[error("parts that are not public are shown to those only who prove who they are")]
    ConfidentialNeedsIdentity,
    /// Whether somebody has the goods is for that one, and who has a say over it.
    #[error("whether somebody has the goods is told to those only who prove who they are")]
    ActorNeedsIdentity,
    /// The access record is for authorities and regulators.
    #[error("the access record is shown to those only who prove who they are")]
    AccessLogNeedsIdentity,
    /// The caller is known, and this is not for it.
    #[error("{what} is not for {caller}")]
    NotEntitled { what: &'static str, caller: Handle },
    /// The token opens nothing.
    #[error("{0}")]
    TokenRefused(TokenError),
    /// What cannot be recorded is not shown.
    #[error("this read could not be recorded, so that nothing is shown")]
    ReadNotRecorded,
    /// Metrics are for the operator.
    #[error("metrics are shown to callers on the node's own machine only")]
    MetricsNeedIdentity,
    /// The path is not the name of a tile, or not in its one spelling.
    #[error("not the name of a tile")]
    TileNameInvalid,
    /// The tree does not reach so far.
    #[error("the tree has no such tile yet")]
    TileAbsent,
    /// Entry bundles are for named mirrors here.
    #[error("entries in bulk are shown to those only who prove who they are")]
    EntryBundlesNeedIdentity,
    /// The log continues no other.
    #[error("this log continues no other")]
    NoPredecessor,
    /// No checkpoint meets the node's quorum.
    #[error("no checkpoint has the cosignatures that this node's policy asks for")]
    NotWitnessed,
    /// No witnessed checkpoint reaches so far yet.
    #[error("no checkpoint that meets this node's quorum has this entry in its tree yet")]
    NotWitnessedYet,
    /// This witness has cosigned nothing of that log.
    #[error("this witness has cosigned no checkpoint of that log")]
    NotCosigned,
    /// The witness refuses to cosign.
    #[error("{0}")]
    Cosign(#[from] CosignError),
    /// The store failed. The operator's fault; the log has the details.
    #[error("the node cannot read its ledger")]
    StoreFailed,
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected {
                reason,
                capture,
                refusal,
            } => Self::Rejected {
                reason: Box::new(reason),
                capture,
                refusal,
            },
            SubmitError::Busy { retry_after_s } => Self::Busy { retry_after_s },
            SubmitError::Halted => Self::Halted,
            SubmitError::NotSigning(why) => Self::NotSigning(why),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // What the disk says is the operator's to know.
        tracing::error!(%error, "reading the ledger failed");
        Self::StoreFailed
    }
}

/// Name, title and remedy of a problem. Texts: Chinese, English.
struct Words {
    name: &'static str,
    title: [&'static str; 2],
    remedy: [&'static str; 2],
}

const fn words(name: &'static str, title: [&'static str; 2], remedy: [&'static str; 2]) -> Words {
    Words {
        name,
        title,
        remedy,
    }
}

const NEEDS_IDENTITY: [&str; 2] = [
    "请用登记的密钥生成令牌：suyuan token --key 文件，放在 Authorization: Bearer 之后。",
    "Make a token with your registered key, suyuan token --key FILE, and send it as Authorization: Bearer.",
];
const NEW_TOKEN: [&str; 2] = [
    "请重新生成令牌：suyuan token --key 文件；每个令牌最多有效 15 分钟，只用于一个账本。",
    "Make a new token: suyuan token --key FILE. Each holds for 15 minutes at most, and for one log.",
];
const ASK_AUTHORITY: [&str; 2] = [
    "请用另一把登记的密钥，或联系监管机关。",
    "Use another registered key, or ask your authority.",
];
const LATER: [&str; 2] = [
    "请在 Retry-After 给出的秒数之后重试。",
    "Try again after the seconds given in Retry-After.",
];
const SEE_DOCS: [&str; 2] = [
    "可用的地址和参数见 /docs。",
    "See /docs for paths and parameters.",
];

/// What a refused token is told.
const fn token_words(error: &TokenError) -> Words {
    let (title, remedy) = match error {
        TokenError::Expired { .. } => (["令牌已过期", "Token expired"], NEW_TOKEN),
        TokenError::NotYetValid { .. } => (
            ["令牌时间在将来", "Token from the future"],
            [
                "请校准本机时钟，再生成令牌。",
                "Set this machine's clock, and make a new token.",
            ],
        ),
        TokenError::AudienceWrong { .. } => {
            (["令牌属于另一个账本", "Token for another log"], NEW_TOKEN)
        }
        TokenError::LifeTooLong { .. } => (["令牌有效期过长", "Token lives too long"], NEW_TOKEN),
        TokenError::AlgorithmUnsupported { .. } => (
            ["令牌的算法不支持", "Token algorithm not supported"],
            NEW_TOKEN,
        ),
        TokenError::Malformed(_) => (["令牌格式有误", "Malformed token"], NEW_TOKEN),
        TokenError::SignatureInvalid => (
            ["令牌签名不符", "Token signature does not match"],
            NEW_TOKEN,
        ),
        TokenError::KeyUnknown { .. } => (["密钥未登记", "Key not registered"], ASK_AUTHORITY),
        TokenError::KeyNotYetValid { .. } => (["密钥尚未生效", "Key not valid yet"], ASK_AUTHORITY),
        TokenError::KeyRetired { .. } => (["密钥已停用", "Key retired"], ASK_AUTHORITY),
        TokenError::KeyRevoked { .. } => (["密钥已吊销", "Key revoked"], ASK_AUTHORITY),
        TokenError::KeyOfAnother { .. } => (
            ["密钥属于他人", "Another's key"],
            [
                "令牌须写明密钥所有者；受托方以自己的名义查询。",
                "Name the key's owner in the token; a delegate asks in its own name.",
            ],
        ),
        TokenError::ParticipantSuspended { .. } => {
            (["参与方已被暂停", "Participant suspended"], ASK_AUTHORITY)
        }
        TokenError::ParticipantUnknown { .. } => {
            (["参与方未登记", "Participant unknown"], ASK_AUTHORITY)
        }
    };
    words(error.name(), title, remedy)
}

/// What is heard from a log that does not sign.
const fn not_signing_words(why: &NotSigning) -> Words {
    let (title, remedy) = match why {
        NotSigning::Unconfirmed => (
            ["节点正在向见证方核实", "Asking the witnesses first"],
            [
                "账本可以查询，暂不签署；请稍后重发同样的字节。",
                "Reads are answered, nothing is signed yet. Send the same bytes again later.",
            ],
        ),
        NotSigning::Closed { .. } => (
            ["账本已关闭", "Log closed"],
            [
                "请向后继账本提交。",
                "Submit to the log that continues this one.",
            ],
        ),
    };
    words(why.name(), title, remedy)
}

/// What a log hears that gets no cosignature.
const fn cosign_words(error: &CosignError) -> Words {
    let refusal = match error {
        CosignError::Refused(refusal) => refusal,
        CosignError::NotKept => {
            return words(
                "cosign-not-kept",
                ["见证状态无法保存", "The witness cannot keep its state"],
                ["请联系见证方运营者。", "Tell the witness's operator."],
            );
        }
    };
    let (title, remedy) = match refusal {
        Refusal::Malformed { .. } | Refusal::TooLarge { .. } | Refusal::CheckpointMalformed(_) => (
            ["请求格式有误", "Malformed request"],
            [
                "格式见 C2SP tlog-witness 的 add-checkpoint。",
                "See add-checkpoint in C2SP tlog-witness.",
            ],
        ),
        Refusal::OldSizeBeyond { .. } | Refusal::OldSize { .. } => (
            ["起点与见证记录不符", "Another old size"],
            [
                "请从见证方给出的大小起证明一致性。",
                "Prove consistency from the size that the witness gives.",
            ],
        ),
        Refusal::Unsigned(_) => (
            ["日志签名不可信", "No trusted log signature"],
            [
                "请核对日志密钥，并请见证方登记新密钥。",
                "Check the log's key; have the witness told of a new one.",
            ],
        ),
        Refusal::OriginUnknown { .. } => (
            ["不见证此日志", "Log not watched"],
            [
                "请见证方运营者把该日志列入监看。",
                "Ask the witness's operator to watch that log.",
            ],
        ),
        Refusal::EmptyRoot
        | Refusal::RootChanged { .. }
        | Refusal::Inconsistent(_)
        | Refusal::ProofUnasked { .. } => (
            [
                "与已见证的历史不一致",
                "Not consistent with what was cosigned",
            ],
            [
                "请保留两个检查点作为证据，并查明日志是否被回退或分叉。",
                "Keep both checkpoints as evidence: the log may have been rolled back or forked.",
            ],
        ),
    };
    words(refusal.name(), title, remedy)
}

const fn choose(lang: Lang, [zh, en]: [&'static str; 2]) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

impl Problem {
    fn words(&self) -> Words {
        match self {
            Self::Rejected { reason, .. } => {
                let refusal = refusals::refusal(reason);
                let both = |text: Bilingual| [text.zh, text.en];
                words(reason.name(), both(refusal.title), both(refusal.remedy))
            }
            Self::Busy { .. } => words("busy", ["排队已满", "Too busy"], LATER),
            Self::Halted => words(
                "halted",
                ["节点已停止接收", "Not taking statements"],
                [
                    "请稍后重发同样的字节，或联系运营方。",
                    "Send the same bytes again later.",
                ],
            ),
            Self::NotSigning(why) => not_signing_words(why),
            Self::TooManyRequests { .. } => words(
                "too-many-requests",
                ["请求过于频繁", "Too Many Requests"],
                LATER,
            ),
            Self::Overloaded => words("overloaded", ["服务繁忙", "Overloaded"], LATER),
            Self::TimedOut { .. } => words(
                "timed-out",
                ["处理超时", "Took too long"],
                [
                    "请重试；重复提交只记录一次。",
                    "Try again; a repeated statement is recorded once.",
                ],
            ),
            Self::BodyTooLarge { .. } => words(
                "body-too-large",
                ["内容过大", "Body too large"],
                ["请分成几次提交。", "Send less at a time."],
            ),
            Self::BodyIncomplete => words(
                "body-incomplete",
                ["内容未传完", "Body incomplete"],
                ["请检查网络后重发。", "Check the network and send again."],
            ),
            Self::Sequence(_) => words(
                "sequence-malformed",
                ["CBOR 序列有误", "Malformed sequence"],
                [
                    "此前各项已答复；请从出错处起改正后重发。",
                    "Items before it are answered; correct it and send again from there on.",
                ],
            ),
            Self::SequenceTooLong { .. } => words(
                "sequence-too-long",
                ["一次提交的声明过多", "Too many statements at once"],
                ["请把其余的另行提交。", "Send the rest in another request."],
            ),
            Self::UnsupportedMediaType { .. } => words(
                "unsupported-media-type",
                ["不支持的内容类型", "Unsupported media type"],
                ["请改用列出的类型。", "Send one of the types named."],
            ),
            Self::NotAcceptable { .. } => words(
                "not-acceptable",
                ["没有您要的格式", "Not acceptable"],
                [
                    "请在 Accept 中写列出的类型之一。",
                    "Name one of these types in Accept.",
                ],
            ),
            Self::MethodNotAllowed => words(
                "method-not-allowed",
                ["不支持的方法", "Method not allowed"],
                ["可用方法见 Allow。", "See Allow for the methods."],
            ),
            Self::NotFound => words("not-found", ["没有这个地址", "Not Found"], SEE_DOCS),
            Self::TargetTooLong { .. } => words(
                "target-too-long",
                ["地址过长", "Path too long"],
                ["请缩短地址或参数。", "Shorten the path or the query."],
            ),
            Self::EntryIdInvalid { .. } => words(
                "entry-id-invalid",
                ["条目编号有误", "Invalid locator"],
                [
                    "请用提交时 Location 给出的地址。",
                    "Use the address given in Location when it was submitted.",
                ],
            ),
            Self::EntryUnknown { .. } => words(
                "entry-unknown",
                ["没有这个条目", "Not Found"],
                [
                    "请核对编号。",
                    "Check the number; block headers have no receipt.",
                ],
            ),
            Self::LogKeyUnknown => words(
                "log-key-unknown",
                ["没有这个密钥", "No such key"],
                [
                    "本日志的密钥见 /.well-known/scitt-keys。",
                    "See /.well-known/scitt-keys.",
                ],
            ),
            Self::LogEmpty => words(
                "log-empty",
                ["账本还没有条目", "The log is empty"],
                [
                    "请等第一个条目记录之后再查。",
                    "Ask again after the first entry.",
                ],
            ),
            Self::ParameterMissing { .. } => words(
                "parameter-missing",
                ["缺少参数", "Parameter missing"],
                SEE_DOCS,
            ),
            Self::ParameterInvalid { .. } => words(
                "parameter-invalid",
                ["参数有误", "Parameter invalid"],
                SEE_DOCS,
            ),
            Self::ParameterUnsupported { .. } => words(
                "parameter-unsupported",
                ["不支持的参数", "Parameter not supported"],
                SEE_DOCS,
            ),
            Self::CodeInvalid(_) => words(
                "code-invalid",
                ["这个码读不出来", "Not a code we can read"],
                [
                    "请重新扫描，或核对每一位数字。",
                    "Scan again, or compare digit by digit with the label.",
                ],
            ),
            Self::LotNeeded { .. } => words(
                "lot-needed",
                ["还需要批号", "Lot number needed"],
                [
                    "请在地址后加上包装上的批号，例如 /10/批号。",
                    "Add the lot from the pack to the path, as in /10/LOT.",
                ],
            ),
            Self::BundleTooLarge { .. } => words(
                "bundle-too-large",
                ["证明包过大", "Bundle too large"],
                [
                    "请按原料批次分别索取。",
                    "Ask for the inputs' bundles one by one.",
                ],
            ),
            Self::ParticipantUnknown { .. } => words(
                "participant-unknown",
                ["没有这个参与方", "No such participant"],
                ["请核对编号。", "Check the handle: 22 base64url characters."],
            ),
            Self::CaseUnknown => words(
                "no-such-case",
                ["没有这个案件", "No such case"],
                [
                    "请核对案件编号：urn:suyuan:case:编号:序号。",
                    "Check the case: urn:suyuan:case:HANDLE:NUMBER.",
                ],
            ),
            Self::EventUnknown => words(
                "event-unknown",
                ["没有这个事件", "No such event"],
                [
                    "请核对事件编号和签发方。",
                    "Check the event id and its issuer.",
                ],
            ),
            Self::EventIssuerNeeded => words(
                "event-issuer-needed",
                ["还需要签发方", "Issuer needed"],
                [
                    "请加上参数 issuer=签发方编号。",
                    "Add issuer=HANDLE of who issued it.",
                ],
            ),
            Self::BulkListingNeedsIdentity => words(
                "bulk-listing-needs-identity",
                ["批量查询需要身份", "Listing in bulk needs an identity"],
                [
                    "请给出确切的货品编码，例如 MATCH_anyEPC；或用令牌证明身份。",
                    "Name an exact item, as in MATCH_anyEPC, or prove who you are: suyuan token.",
                ],
            ),
            Self::ForwardNeedsIdentity => words(
                "forward-needs-identity",
                ["正向追踪需要身份", "Tracing forward needs an identity"],
                NEEDS_IDENTITY,
            ),
            Self::ConfidentialNeedsIdentity => words(
                "confidential-needs-identity",
                [
                    "查看非公开部分需要身份",
                    "Confidential parts need an identity",
                ],
                NEEDS_IDENTITY,
            ),
            Self::ActorNeedsIdentity => words(
                "actor-needs-identity",
                ["写明行为方需要身份", "Naming an actor needs an identity"],
                NEEDS_IDENTITY,
            ),
            Self::AccessLogNeedsIdentity => words(
                "access-log-needs-identity",
                [
                    "查看访问记录需要身份",
                    "The access record needs an identity",
                ],
                NEEDS_IDENTITY,
            ),
            Self::NotEntitled { .. } => words(
                "not-entitled",
                ["无权查看", "Not entitled"],
                [
                    "与您无关的事件只给出概要；如需更多，请联系有管辖权的监管机关。",
                    "What does not concern you is shown in outline only; for more, ask the authority \
                     of that jurisdiction.",
                ],
            ),
            Self::TokenRefused(error) => token_words(error),
            Self::ReadNotRecorded => words(
                "read-not-recorded",
                ["访问记录写入失败", "The read could not be recorded"],
                [
                    "未显示任何内容；请联系节点运营方。",
                    "Nothing was shown. Tell the node's operator.",
                ],
            ),
            Self::MetricsNeedIdentity => words(
                "metrics-need-identity",
                ["运行指标不对外公开", "Metrics are not public"],
                NEEDS_IDENTITY,
            ),
            Self::TileNameInvalid => words(
                "tile-name-invalid",
                ["瓦片名称有误", "Not the name of a tile"],
                [
                    "写法见 C2SP tlog-tiles，例如 /tile/0/x001/234.p/5。",
                    "See C2SP tlog-tiles; such as /tile/0/x001/234.p/5.",
                ],
            ),
            Self::TileAbsent => words(
                "tile-absent",
                ["还没有这个瓦片", "No such tile"],
                [
                    "请按已验证的检查点的大小取瓦片。",
                    "Ask for tiles by the size of a checkpoint you have verified.",
                ],
            ),
            Self::EntryBundlesNeedIdentity => words(
                "entry-bundles-need-identity",
                ["批量读取条目需要身份", "Entries in bulk need an identity"],
                NEEDS_IDENTITY,
            ),
            Self::NoPredecessor => words(
                "no-predecessor",
                ["本账本没有前身", "No predecessor"],
                SEE_DOCS,
            ),
            Self::NotWitnessed => words(
                "not-witnessed",
                ["尚无足够见证", "Not witnessed"],
                [
                    "最新检查点见 /checkpoint；请稍后再查。",
                    "See /checkpoint for the newest; ask again later.",
                ],
            ),
            Self::NotWitnessedYet => words(
                "not-witnessed-yet",
                ["尚未见证", "Not witnessed yet"],
                [
                    "它已记录在案；请稍后再取证明。",
                    "It is recorded; ask again for the proof.",
                ],
            ),
            Self::NotCosigned => words(
                "not-cosigned",
                ["未见证过此日志", "Nothing cosigned"],
                [
                    "请核对日志名称的 SHA-256。",
                    "Check the SHA-256 of the log's origin.",
                ],
            ),
            Self::Cosign(error) => cosign_words(error),
            Self::StoreFailed => words(
                "store-failed",
                ["节点读不到账本", "The node cannot read its ledger"],
                ["请联系节点运营方。", "Tell the node's operator."],
            ),
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            // The protocol says which; it has no code that is none of HTTP.
            Self::Cosign(CosignError::Refused(refusal)) => {
                StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST)
            }
            Self::Rejected { reason, .. } => match reason.fault() {
                Fault::Bytes => StatusCode::BAD_REQUEST,
                Fault::Conflict => StatusCode::CONFLICT,
                Fault::Forbidden => StatusCode::FORBIDDEN,
            },
            Self::Busy { .. } | Self::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Halted
            | Self::NotSigning(_)
            | Self::Overloaded
            | Self::TimedOut { .. }
            | Self::LogEmpty => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTooLarge { .. } | Self::SequenceTooLong { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::BodyIncomplete => StatusCode::REQUEST_TIMEOUT,
            Self::Sequence(_)
            | Self::EntryIdInvalid { .. }
            | Self::ParameterMissing { .. }
            | Self::ParameterInvalid { .. }
            | Self::ParameterUnsupported { .. }
            | Self::EventIssuerNeeded
            | Self::TileNameInvalid
            | Self::CodeInvalid(_) => StatusCode::BAD_REQUEST,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotAcceptable { .. } => StatusCode::NOT_ACCEPTABLE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound
            | Self::EntryUnknown { .. }
            | Self::LogKeyUnknown
            | Self::LotNeeded { .. }
            | Self::ParticipantUnknown { .. }
            | Self::CaseUnknown
            | Self::TileAbsent
            | Self::NoPredecessor
            | Self::NotWitnessed
            | Self::NotWitnessedYet
            | Self::NotCosigned
            | Self::EventUnknown => StatusCode::NOT_FOUND,
            Self::TargetTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::BulkListingNeedsIdentity
            | Self::ForwardNeedsIdentity
            | Self::ConfidentialNeedsIdentity
            | Self::ActorNeedsIdentity
            | Self::AccessLogNeedsIdentity
            | Self::EntryBundlesNeedIdentity
            | Self::TokenRefused(_) => StatusCode::UNAUTHORIZED,
            Self::NotEntitled { .. } | Self::MetricsNeedIdentity => StatusCode::FORBIDDEN,
            Self::BundleTooLarge { .. }
            | Self::Cosign(CosignError::NotKept)
            | Self::StoreFailed
            | Self::ReadNotRecorded => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// When to try again, where that helps.
    pub(crate) const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Busy { retry_after_s } | Self::TooManyRequests { retry_after_s } => {
                Some(*retry_after_s)
            }
            Self::Overloaded | Self::TimedOut { .. } | Self::NotWitnessedYet => Some(1),
            Self::Halted | Self::LogEmpty | Self::NotSigning(NotSigning::Unconfirmed) => Some(10),
            Self::Rejected { .. }
            | Self::NotSigning(NotSigning::Closed { .. })
            | Self::BodyTooLarge { .. }
            | Self::BodyIncomplete
            | Self::Sequence(_)
            | Self::SequenceTooLong { .. }
            | Self::UnsupportedMediaType { .. }
            | Self::NotAcceptable { .. }
            | Self::MethodNotAllowed
            | Self::NotFound
            | Self::TargetTooLong { .. }
            | Self::EntryIdInvalid { .. }
            | Self::EntryUnknown { .. }
            | Self::LogKeyUnknown
            | Self::ParameterMissing { .. }
            | Self::ParameterInvalid { .. }
            | Self::ParameterUnsupported { .. }
            | Self::CodeInvalid(_)
            | Self::LotNeeded { .. }
            | Self::BundleTooLarge { .. }
            | Self::ParticipantUnknown { .. }
            | Self::CaseUnknown
            | Self::EventUnknown
            | Self::EventIssuerNeeded
            | Self::BulkListingNeedsIdentity
            | Self::ForwardNeedsIdentity
            | Self::ConfidentialNeedsIdentity
            | Self::ActorNeedsIdentity
            | Self::AccessLogNeedsIdentity
            | Self::NotEntitled { .. }
            | Self::TokenRefused(_)
            | Self::ReadNotRecorded
            | Self::MetricsNeedIdentity
            | Self::TileNameInvalid
            | Self::TileAbsent
            | Self::EntryBundlesNeedIdentity
            | Self::NoPredecessor
            | Self::NotWitnessed
            | Self::NotCosigned
            | Self::Cosign(_)
            | Self::StoreFailed => None,
        }
    }

    /// The title, and the remedy after what was wrong, for a page.
    pub(crate) fn for_page(&self, lang: Lang) -> (&'static str, String) {
        let words = self.words();
        (
            choose(lang, words.title),
            format!("{} ({}: {self})", choose(lang, words.remedy), words.name),
        )
    }

    /// The problem document of RFC 9457, with `reason`, `remedy` and `where` beside its members.
    pub(crate) fn to_json(&self, lang: Lang, place: &str) -> Value {
        let words = self.words();
        let mut json = json!({
            "type": format!("urn:suyuan:problem:{}", words.name),
            "title": choose(lang, words.title),
            "status": self.status().as_u16(),
            "detail": self.to_string(),
            "reason": words.name,
            "remedy": choose(lang, words.remedy),
            "where": place,
        });
        if let Self::Rejected {
            capture, refusal, ..
        } = self
        {
            if let Some(capture) = capture {
                json["capture"] = capture.to_string().into();
            }
            json["refusal"] = STANDARD.encode(refusal).into();
        }
        json
    }

    /// Concise problem details (RFC 9290): `{-1: title, -2: detail, -4: status, ours}`.
    ///
    /// Ours is `"urn:suyuan:problem": {"remedy": tstr, ? "reason": tstr, ? "capture": tstr,
    /// ? "refusal": bstr}`.
    pub(crate) fn write_cbor(&self, writer: &mut Writer) {
        let words = self.words();
        writer.map(4);
        writer.int(-1).text(self.scrapi_title());
        writer.int(-2).text(&format!("{}: {self}", words.name));
        writer.int(-4).uint(u64::from(self.status().as_u16()));
        writer.text("urn:suyuan:problem");
        let (capture, refusal) = if let Self::Rejected {
            capture, refusal, ..
        } = self
        {
            (*capture, Some(refusal))
        } else {
            (None, None)
        };
        let optional = usize::from(capture.is_some()) + usize::from(refusal.is_some());
        writer.map(2 + optional);
        writer.text("reason").text(words.name);
        writer.text("remedy").text(words.remedy[1]);
        if let Some(capture) = capture {
            writer.text("capture").text(&capture.to_string());
        }
        if let Some(refusal) = refusal {
            writer.text("refusal").byte_string(refusal);
        }
    }

    /// The title as SCRAPI lists it; English, since programs compare it.
    fn scrapi_title(&self) -> &'static str {
        if let Self::Rejected { reason, .. } = self {
            return if matches!(**reason, RejectReason::AlgorithmUnsupported { .. }) {
                "Bad Signature Algorithm"
            } else if let RejectReason::Malformed(error) = &**reason {
                let no_payload = error.why == DecodeFault::Field("payload");
                if no_payload {
                    "Payload Missing"
                } else {
                    "Malformed request"
                }
            } else {
                "Rejected"
            };
        }
        let malformed = matches!(self, Self::Sequence(_) | Self::UnsupportedMediaType { .. });
        let often = matches!(self, Self::Busy { .. } | Self::TooManyRequests { .. });
        if malformed {
            "Malformed request"
        } else if often {
            "Too Many Requests"
        } else {
            self.words().title[1]
        }
    }
}

/// A response still without a body: the guard writes it in the form and language asked for.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        if self.status() == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after_s() {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
