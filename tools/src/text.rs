//! Every sentence the command line says to people, in Chinese and English.
//!
//! Names of errors, fields and options stay as they are: people search for them.

use clap::ValueEnum;

/// A text in both languages.
pub(crate) type Text = [&'static str; 2];

/// The language of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl Lang {
    /// That of the terminal, by the usual variables; English where they do not say Chinese.
    pub(crate) fn of_environment() -> Self {
        let said = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        if said.is_some_and(|value| value.starts_with("zh")) {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// This language's half.
    pub(crate) const fn pick(self, text: Text) -> &'static str {
        match self {
            Self::Zh => text[0],
            Self::En => text[1],
        }
    }

    /// The tag for HTTP.
    #[cfg(feature = "node")]
    pub(crate) const fn tag(self) -> &'static str {
        self.pick(["zh-CN", "en"])
    }
}

pub(crate) const ERROR: Text = ["错误", "error"];
pub(crate) const REMEDY: Text = ["怎么办", "what to do"];

// Keys.
pub(crate) const KEY_MADE: Text = ["新密钥", "new key"];
pub(crate) const KEY_ID: Text = ["密钥编号", "key id"];
pub(crate) const HANDLE: Text = ["参与方编号", "handle"];
pub(crate) const REQUEST: Text = ["交给监管方的申请", "request for the authority"];
pub(crate) const KEY_BACKUP: Text = [
    "请离线备份密钥文件；拿到它的人可以冒名签署。",
    "Back the key file up offline: whoever has it can sign in its owner's name.",
];

// Verifying.
pub(crate) const VERIFIED: Text = ["已核验", "VERIFIED"];
pub(crate) const PROVED: Text = ["已证明", "Proved"];
pub(crate) const NOT_PROVED: Text = ["未证明", "Not proved"];
pub(crate) const LOG: Text = ["账本", "log"];
pub(crate) const LOG_KEY: Text = ["账本密钥", "log key"];
pub(crate) const ITEM: Text = ["编码", "item"];
pub(crate) const VERDICT: Text = ["结论", "verdict"];
pub(crate) const RECORD: Text = ["记录", "record"];
pub(crate) const AS_OF: Text = ["截至", "as of"];
pub(crate) const LEAF: Text = ["序号", "leaf"];
pub(crate) const TREE_SIZE: Text = ["账本条数", "tree size"];
pub(crate) const ROOT: Text = ["账本根", "root"];
pub(crate) const ISSUED: Text = ["签发时间", "issued"];
pub(crate) const SIGNATURES: Text = ["已验签名", "signatures verified"];
pub(crate) const STATEMENTS: Text = ["声明", "statements"];
pub(crate) const COMPLETE: Text = ["完整", "complete"];
pub(crate) const INCOMPLETE: Text = ["不完整", "incomplete"];
pub(crate) const BUNDLE_PROVES: Text = [
    "以上声明由所列参与方签署，已记入账本，未被改动；截至该时刻，账本上关于该编码的记录没有缺漏。",
    "These statements were signed by those they name, recorded in this log and not changed since; \
     as of that moment nothing that the log holds about this code is left out.",
];
pub(crate) const RECEIPT_PROVES: Text = [
    "账本已收录该声明，位置与签发时的账本根如上。",
    "The log recorded this very statement, at this place under this root.",
];
pub(crate) const OPEN_PROVES: Text = [
    "以上是公开记录：生产、检验、召回，由所列各方签署，一条不缺；经手方、交接和温度不在其中。",
    "These are the open records, making, tests and stops, signed by those they name, with none left \
     out; who handled the goods, handovers and temperature are not among them.",
];
pub(crate) const NOT_TRUTH: Text = [
    "签署的内容是否属实：签名说明谁说了什么，不说明事情本身。",
    "That what was signed is true: a signature shows who said it, not that it happened.",
];
pub(crate) const NOT_COPY: Text = [
    "手中的货品就是这一批：批号可以被抄印。",
    "That the thing in hand is of this lot: a lot code can be copied.",
];
pub(crate) const NOT_LATER: Text = [
    "该时刻之后的记录，例如新的召回：请重新查询。",
    "Anything recorded after that moment, such as a recall: ask again for news.",
];
pub(crate) const NOT_WITNESSED: Text = [
    "其他账本见证过：目前只有账本自己的签名。",
    "That another log has witnessed this: so far only the log's own signature stands for it.",
];
pub(crate) const PART_ELSEWHERE: Text = ["另一账本的部分", "Part on another log"];
pub(crate) const NOT_IN_FILE: Text = [
    "不在这个文件中，最近一次证实于",
    "not in this file, last proved",
];
pub(crate) const NEVER: Text = ["从未", "never"];
pub(crate) const PART_MISSING: Text = [
    "另一账本上的部分（请下载包含各地区的证明）",
    "the part on another log (download the proof with all regions)",
];
pub(crate) const PARTS_CUT: Text = [
    "更远的部分：链条跨越的地区超过一个证明所能容纳的。",
    "What lies further: the chain crosses more regions than one proof may hold.",
];
pub(crate) const IMPORTED: Text = ["来自其他账本的记录", "record of another log"];
pub(crate) const IMPORT_WITNESSED: Text = [
    "已按那个账本的签名和见证者核验",
    "proved against that log's signature and its witnesses",
];
pub(crate) const IMPORT_RECORDED: Text = [
    "已按那个账本的签名核验，见证者少于信任文件的要求",
    "proved against that log's signature, with fewer witnesses than the trust file asks for",
];
pub(crate) const IMPORT_TAKEN: Text = [
    "信任文件里没有那个账本，由导入它的账本担保",
    "the trust file does not name that log; the log that imported it vouches for it",
];

// A log that continues another, and evidence of two histories.
pub(crate) const CONTINUES: Text = ["接续的账本（条数）", "continues the log (leaves)"];
pub(crate) const FORK: Text = [
    "已证明：同一账本签署了两段不同的历史",
    "PROVED: one log has signed two different histories",
];
pub(crate) const FORK_OLDER: Text = ["其一（较早）", "one, the older"];
pub(crate) const FORK_NEWER: Text = ["其二（较新）", "the other, the newer"];
pub(crate) const FORK_PREFIX: Text = ["其二在较早条数处的根", "its root at the older tree's size"];
pub(crate) const FORK_BOTH: Text = [
    "两份都见证了的见证者（同样不可信）",
    "cosigned both, and is not honest either",
];
pub(crate) const FORK_PROVES: Text = [
    "账本的密钥签署了两个检查点，后者不是从前者增长而来：有人被展示过另一段历史。请保留此文件并告知各方。",
    "This log's key signed two checkpoints, and the newer tree did not grow from the older: somebody \
     has been shown another history. Keep this file, and tell those who rely on the log.",
];
pub(crate) const NOT_WHICH: Text = [
    "哪一段历史属实，以及两者从哪条记录起不同。",
    "Which of the two histories is right, and at which record they part.",
];
pub(crate) const NOT_WHO: Text = [
    "是谁签的：可能是运营者，也可能是拿到密钥的他人；也不证明何时签署。",
    "Who signed: the operator, or somebody who has the key; nor when.",
];

pub(crate) const STANDING_BEHIND: Text = ["见证情况", "standing"];
pub(crate) const RECORDED: Text = [
    "已记录（见证不足）",
    "recorded (too few witnesses, or none)",
];
pub(crate) const WITNESSED: Text = ["已见证", "witnessed"];
pub(crate) const WITNESSED_BY: Text = ["见证者", "cosigned by"];

// Checking before an act.
pub(crate) const DECISION: Text = ["决定", "decision"];
pub(crate) const RULE: Text = ["规则", "rule"];
pub(crate) const MATTER: Text = ["情况", "what"];
pub(crate) const WHOSE: Text = ["谁应处理", "whose"];
pub(crate) const ARTICLES: Text = ["依据", "under"];
pub(crate) const CHECK_PROVES: Text = [
    "账本在该时刻、依据该账本根，对这一询问作出了以上答复。",
    "The log gave this answer to this question, at that moment, from the tree of this root.",
];
pub(crate) const NOT_RIGHT: Text = [
    "答复是否正确：请取证明包重新计算，见 suyuan trace --bundle。",
    "That the answer is right: compute it again from a bundle, see suyuan trace --bundle.",
];

// Submitting and tracing.
#[cfg(feature = "node")]
mod node_texts {
    use super::Text;

    pub(crate) const READER: Text = ["查看者", "reader"];
    pub(crate) const ENDPOINT: Text = ["途径", "through"];
    pub(crate) const PARTS: Text = ["非公开部分", "withheld parts"];
    pub(crate) const NUMBER: Text = ["编号", "number"];
    pub(crate) const NO_READS: Text = ["没有记录。", "No reads are recorded."];
    pub(crate) const RECORDED_AT: Text = ["已收录，序号", "recorded at leaf"];
    pub(crate) const FILE: Text = ["文件", "file"];
    pub(crate) const PLACE_IN_FILE: Text = ["位置", "place"];
    pub(crate) const REASON: Text = ["原因", "reason"];
    pub(crate) const CAPTURE: Text = ["提交编号", "capture"];
    pub(crate) const STATUS: Text = ["状态", "status"];
    pub(crate) const EVENTS_FINE: Text = ["检查通过，事件数", "all in order, events"];
    pub(crate) const TIME: Text = ["时间", "time"];
    pub(crate) const STEP: Text = ["环节", "step"];
    pub(crate) const WHO: Text = ["谁", "who"];
    pub(crate) const WHERE: Text = ["何地", "where"];
    pub(crate) const GRADE: Text = ["等级", "grade"];
    pub(crate) const RANGE: Text = ["范围", "range"];
    pub(crate) const MINUTES_OUT: Text = ["超限分钟", "minutes outside"];
    pub(crate) const MINUTES_GAP: Text = ["最长缺失分钟", "longest gap, minutes"];
    pub(crate) const COVERED: Text = ["读数覆盖", "covered"];
    pub(crate) const KINETIC: Text = ["平均动力学温度", "mean kinetic"];
    pub(crate) const FINDING: Text = ["问题", "finding"];
    pub(crate) const CHECK: Text = ["先查后动", "check"];
    pub(crate) const UNREADABLE: Text = ["读不出来", "cannot be read"];
    pub(crate) const NO_FINDINGS: Text = ["没有发现问题", "nothing found"];
    pub(crate) const SEVERITY: Text = ["程度", "severity"];
    pub(crate) const OPENED: Text = ["发现于", "opened"];
    pub(crate) const CLOSED: Text = ["关闭于", "closed"];

    // The policy.
    pub(crate) const VERSION: Text = ["政策版本", "policy version"];
    pub(crate) const KEY: Text = ["键", "key"];
    pub(crate) const VALUE: Text = ["值", "value"];
    pub(crate) const CONFIRMED: Text = ["已核对", "confirmed"];
    pub(crate) const SOURCE: Text = ["依据", "source"];

    pub(crate) const DEPTH: Text = ["层", "depth"];
    pub(crate) const HOW: Text = ["关系", "how"];
    pub(crate) const ENDED: Text = ["已终结", "ended"];
    pub(crate) const CUT: Text = ["答案在此截断", "the answer was cut short at"];

    // Recalls.
    pub(crate) const CASE: Text = ["案件", "case"];
    pub(crate) const ORDER: Text = ["决定", "order"];
    pub(crate) const LEVEL: Text = ["级别", "level"];
    pub(crate) const HELD: Text = ["现存", "held"];
    pub(crate) const SOLD: Text = ["已售", "sold"];
    pub(crate) const ITEMS: Text = ["件（批）", "items"];
    pub(crate) const UNNAMED: Text = ["未具名", "not named"];
    pub(crate) const HOLDERS: Text = ["持有者", "holders"];
    pub(crate) const TOLD: Text = ["已通知", "told"];
    pub(crate) const ACKNOWLEDGED: Text = ["已回应", "acknowledged"];
    pub(crate) const RETURNED: Text = ["退回", "returned"];
    pub(crate) const DESTROYED: Text = ["销毁", "destroyed"];
    pub(crate) const OVERDUE: Text = ["逾期", "overdue"];
    pub(crate) const START_BY: Text = ["须停售回应于", "stop and answer by"];
    pub(crate) const FINISH_BY: Text = ["须完成于", "finish by"];
    pub(crate) const BEYOND: Text = [
        "账本外的收货方，须另行通知",
        "receiver outside the ledger, to be told otherwise",
    ];
    pub(crate) const SUSPENDED: Text = ["资格已暂停", "suspended"];
    pub(crate) const NO_ADDRESS: Text = ["无通知地址", "no address"];
    pub(crate) const CASE_STANDS: Text = ["生效中", "stands"];
    pub(crate) const CASE_RELEASED: Text = ["已解除", "released"];
    pub(crate) const CASE_CLOSED: Text = ["已结案", "closed"];

    /// Hold or recall.
    pub(crate) fn order_kind(word: &str) -> Text {
        match word {
            "recall" => ["召回", "recall"],
            _ => ["暂停", "hold"],
        }
    }

    /// What a holder is late with.
    pub(crate) fn overdue(word: &str) -> Text {
        match word {
            "start" => ["未回应", "has not answered"],
            _ => ["仍有存货", "still has goods"],
        }
    }

    // Running a node.
    pub(crate) const FOUNDED: Text = ["账本已建立", "ledger founded"];
    pub(crate) const AUTHORITY_KEY: Text = ["监管方密钥", "authority's key"];
    pub(crate) const TRUST_FILE: Text = ["信任文件（公开）", "trust file, to be published"];
    pub(crate) const SERVING: Text = ["服务地址", "serving"];
    pub(crate) const STOP: Text = ["按 Ctrl-C 结束", "Ctrl-C ends it"];
    pub(crate) const CHAIN: Text = ["链条", "chain"];
    pub(crate) const EVENTS: Text = ["事件", "events"];
    pub(crate) const LINK: Text = ["链接", "link"];
    pub(crate) const SCAN: Text = ["扫码或打开链接", "Scan the code, or open the link"];
    pub(crate) const ACROSS: Text = ["跨区链条", "across the border"];
    pub(crate) const SCANNED_IN: Text = ["扫码地", "scanned in"];
    pub(crate) const NO_LAN: Text = [
        "找不到局域网地址；请用 --public-url 指定。",
        "No address in a local network was found; name one with --public-url.",
    ];

    pub(crate) const WITNESS_LINE: Text = [
        "各日志及其核验者在信任文件中加入此行",
        "for the trust files of these logs and of their verifiers",
    ];
    pub(crate) const TILES_WRITTEN: Text = ["新写瓦片", "tiles written"];

    // Mirroring.
    pub(crate) const MIRRORED: Text = ["镜像已核验并保存", "MIRRORED AND VERIFIED"];
    pub(crate) const ORDERS_OBEYED: Text = ["已执行的删除命令", "orders to delete obeyed"];
    pub(crate) const RESTORED: Text = [
        "已从镜像恢复；头文件不在，节点须先询问见证方才签名",
        "restored from the mirror; it has no head file, so that the node asks its witnesses before it signs",
    ];

    // Auditing.
    pub(crate) const AUDIT_CLEAN: Text = ["审计通过", "AUDIT CLEAN"];
    pub(crate) const AUDIT_FAULTS: Text = ["审计发现问题", "AUDIT FOUND FAULTS"];
    pub(crate) const BLOCKS: Text = ["区块", "blocks"];
    pub(crate) const STATE: Text = ["状态根", "state root"];
    pub(crate) const TAKEN: Text = [
        "正文不在、只能采信而不能重算的声明",
        "statements whose bodies are absent: effects taken, not recomputed",
    ];

    pub(crate) const COPY_IN_PROGRESS: Text = [
        "镜像尚在追赶：副本止于日志未签署检查点之处（不是损坏）；追平后再审计，方可由此恢复",
        "a copy in progress: it ends where the log signed no checkpoint (no fault); let the mirror \
         catch up before you restore from it",
    ];
    pub(crate) const DELETED_ON_ORDER: Text = [
        "依令删除的个人信息（不是损坏）",
        "personal parts deleted on order (not damage)",
    ];
    pub(crate) const BY_ORDER_AT: Text = ["命令序号", "by the order at leaf"];
    pub(crate) const WITHOUT_KEYS: Text = [
        "本副本没有密钥、无法读取的个人信息",
        "personal parts that this copy has no keys for",
    ];

    // Deleting.
    pub(crate) const INDEX: Text = ["序", "index"];
    pub(crate) const PART: Text = ["个人信息（摘要）", "personal part (digest)"];
    pub(crate) const STANDING: Text = ["现状", "standing"];
    pub(crate) const ORDER_NUMBER: Text = ["文号", "order number"];
    pub(crate) const ORDERED_BY: Text = ["命令方", "ordered by"];
    pub(crate) const NO_PARTS: Text = ["没有个人信息", "no personal parts"];

    /// What became of a personal part.
    pub(crate) fn standing(word: &str) -> Text {
        match word {
            "kept" => ["可读", "kept"],
            "deleted" => ["已依令删除", "deleted on order"],
            "elsewhere" => ["本副本没有密钥", "this copy has no key"],
            _ => ["密钥丢失（损坏）", "key lost: damage"],
        }
    }

    /// A step's plain word.
    pub(crate) fn step(kind: &str) -> Text {
        match kind {
            "origin" => ["起源", "origin"],
            "made" => ["制成", "made"],
            "packed" => ["装拆", "packed"],
            "shipped" => ["发出", "shipped"],
            "received" => ["收到", "received"],
            "tested" => ["检验", "tested"],
            "carried" => ["运输储存", "carried"],
            "stocked" => ["上架", "stocked"],
            "ended" => ["售出或使用", "sold or used"],
            "stopped" => ["停止", "stopped"],
            _ => ["其他", "other"],
        }
    }
}
#[cfg(feature = "node")]
pub(crate) use node_texts::*;

/// A verdict's word for people.
pub(crate) fn verdict(word: &str) -> Text {
    match word {
        "recalled" => ["已召回", "recalled"],
        "held" => ["暂停使用", "on hold"],
        "failed_test" => ["检验不合格", "failed its test"],
        "expired" => ["已过期", "expired"],
        "violation" => ["违规处置过", "handled against the rules"],
        "unknown" => ["查无此码", "unknown code"],
        "sold" => ["已售出或已使用", "already sold or used"],
        "breach" => ["温度超限", "temperature breach"],
        "broken" => ["链条中断", "chain broken"],
        "gap" => ["温度记录缺失", "temperature gap"],
        "clear" => [
            "公开记录无异常（交接与温度不在其中）",
            "nothing against it on open records (handovers and temperature are not on them)",
        ],
        "complete" => ["记录完整", "record complete"],
        _ => ["其他", "other"],
    }
}

impl Lang {
    /// This language's half of a name on the ledger, or the other where it is empty.
    pub(crate) fn pick_of(self, name: &ledger::provenance::answer::Text) -> &str {
        let (first, other) = match self {
            Self::Zh => (&name.zh, &name.en),
            Self::En => (&name.en, &name.zh),
        };
        if first.is_empty() { other } else { first }
    }
}
