//! A founded ledger in memory with a node on it, and a gate before its commits.

use super::*;

/// A store whose commits wait while a test holds the gate, or panic.
#[derive(Debug)]
pub(super) struct Gated {
    pub(super) inner: MemoryStore,
    gate: tokio::sync::Mutex<()>,
    pub(super) panics: AtomicBool,
}

impl Gated {
    pub(super) fn close(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.gate.try_lock().unwrap()
    }
}

impl Store for Gated {
    type View<'a> = <MemoryStore as Store>::View<'a>;

    fn view(&self) -> Self::View<'_> {
        self.inner.view()
    }

    fn commit(&self, write: WriteSet) -> Result<(), StoreError> {
        assert!(!self.panics.load(Ordering::Relaxed), "a bug, for the test");
        drop(self.gate.blocking_lock());
        self.inner.commit(write)
    }
}

/// A founded ledger with one producer, and a node on it.
pub(super) struct Town {
    pub(super) world: World,
    pub(super) farm: Member,
    pub(super) clock: Arc<SetClock>,
    pub(super) node: Node<Gated>,
}

impl Town {
    pub(super) fn new() -> Self {
        Self::with_limits(QueueLimits::default())
    }

    pub(super) fn with_limits(limits: QueueLimits) -> Self {
        let mut world = World::new();
        let farm = world.admit(
            &[Role::Producer],
            "510124",
            &serde_json::json!({"name": "farm"}),
        );
        let clock = Arc::new(SetClock::new());
        let node = start(world.store.reopen(), &clock, limits).unwrap();
        Self {
            world,
            farm,
            clock,
            node,
        }
    }

    /// What another process finds.
    pub(super) fn reopened(&self) -> Node<Gated> {
        start(
            self.node.store().inner.reopen(),
            &self.clock,
            QueueLimits::default(),
        )
        .unwrap()
    }

    /// A fresh statement of the farm with one event.
    pub(super) fn statement(&mut self) -> SignedStatement {
        let number = self.world.tick();
        let lot = Identifier::own_lot(self.farm.handle, "chilli", &number.to_string()).unwrap();
        let id = format!("urn:uuid:00000000-0000-4000-8000-{number:012}");
        let time = "2026-11-22T08:00:00+08:00";
        let event = object_event(&id, "ADD", "commissioning", time, &lot.to_string());
        self.world.events(&self.farm, &[event])
    }

    pub(super) fn statements(&mut self, count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.statement().encode()).collect()
    }

    pub(super) fn size(&self) -> u64 {
        self.node.store().view().head().unwrap().unwrap().size().0
    }
}

pub(super) fn start(
    store: MemoryStore,
    clock: &Arc<SetClock>,
    limits: QueueLimits,
) -> Result<Node<Gated>, StartError> {
    let store = Gated {
        inner: store,
        gate: tokio::sync::Mutex::default(),
        panics: AtomicBool::new(false),
    };
    Node::start(store, World::new().log_key, running(clock, limits))
}

pub(super) fn running(clock: &Arc<SetClock>, limits: QueueLimits) -> Running {
    let settings = Settings::new(
        ORIGIN.to_owned(),
        "https://a.example".to_owned(),
        "5101".to_owned(),
    )
    .unwrap();
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    Running {
        settings,
        limits,
        threads: NonZeroUsize::new(2),
        clock,
        reads: None,
        policy: None,
        witness: None,
        credentials: Credentials::default(),
        confirmation: Confirmation::default(),
        nothing_newer_signed: false,
        dir: None,
    }
}

pub(super) fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_time().build().unwrap();
    let limited = async { tokio::time::timeout(Duration::from_secs(30), test).await };
    runtime.block_on(limited).expect("the node answers in time")
}

/// Waits until `count` statements are in flight and the sequencer stands at the gate.
pub(super) async fn until_in_flight<S>(node: &Node<S>, count: usize) {
    while node.shared.room.statements() < count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
}

pub(super) fn check_receipt<S: Store + 'static>(
    node: &Node<S>,
    statement: &[u8],
    answer: &Submitted,
) {
    let statement = SignedStatement::parse(statement).unwrap();
    let receipt = Receipt::parse(&answer.receipt).unwrap();
    let facts = receipt.verify(statement.entry(), node.log_key()).unwrap();
    assert_eq!(facts.leaf, answer.leaf);
    assert_eq!(facts.claims.iss, ORIGIN);
    assert_eq!(
        Some(facts.claims.sub),
        answer.capture.map(|capture| capture.to_string())
    );
    let block = node.store().view().block_of(answer.leaf).unwrap().unwrap();
    assert_eq!((facts.size, facts.root), (block.size(), block.root));
    assert_eq!(
        node.receipt(answer.leaf).unwrap().as_ref(),
        Some(&answer.receipt)
    );
}

pub(super) fn refusal_name(answer: &Answer) -> &'static str {
    match answer {
        Err(SubmitError::Rejected { reason, .. }) => reason.name(),
        other => panic!("not refused: {other:?}"),
    }
}
