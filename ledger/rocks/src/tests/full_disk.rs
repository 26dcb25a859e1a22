//! A disk that takes no more bytes, by a limit on the size of files that a shell sets for a child.

use super::*;
use std::process::Command;

const DIR: &str = "LEDGER_ROCKS_FULL_DISK_DIR";

#[test]
fn a_full_disk_ends_the_store_and_loses_nothing_acknowledged() {
    if let Some(dir) = std::env::var_os(DIR) {
        fill(Path::new(&dir));
        return;
    }
    let dir = TempDir::new().unwrap();
    drop(create(dir.path()));
    // XFSZ ignored, a write beyond the limit (512-byte blocks: 1 MiB) fails as on a full disk.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("tests::full_disk::a_full_disk_ends_the_store_and_loses_nothing_acknowledged")
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let acknowledged: u64 = text
        .lines()
        .find_map(|line| line.split_once("acknowledged "))
        .and_then(|(_, count)| count.trim().parse().ok())
        .unwrap();

    let store = open(dir.path()).unwrap();
    let view = store.view();
    let head = view.head().unwrap().unwrap();
    let blocks = head.block.height + 1;
    assert!(
        blocks == acknowledged || blocks == acknowledged + 1,
        "{blocks} of {acknowledged}"
    );
    let mut chain = Chain::default();
    let written: Vec<_> = (0..blocks).flat_map(|_| chain.block(20).entries).collect();
    assert_eq!(view.leaves(LeafIndex(0), 1_000_000).unwrap(), written);
    store.commit(chain.block(20)).unwrap();
}

/// Commits until the disk is full, and prints how many commits returned.
fn fill(dir: &Path) {
    let (store, mut chain) = (open(dir).unwrap(), Chain::default());
    // 20 statements take some 10 kB of a log of 1 MiB.
    for acknowledged in 0..1_000 {
        if let Err(error) = store.commit(chain.block(20)) {
            assert!(matches!(error, StoreError::Unknown(_)), "{error}");
            assert_eq!(store.commit(chain.block(20)).unwrap_err(), error);
            println!("\nacknowledged {acknowledged}");
            return;
        }
    }
    panic!("the limit on file sizes had no effect");
}
