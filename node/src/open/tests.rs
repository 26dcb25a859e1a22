use super::*;
use ledger::registry::possession_message;
use std::os::unix::fs::PermissionsExt as _;

const ORIGIN: &str = "log.example/chengdu";

fn settings() -> Settings {
    Settings::new(
        ORIGIN.to_owned(),
        "https://a.example".to_owned(),
        "5101".to_owned(),
    )
    .unwrap()
}

fn founding(threshold: u16) -> Founding {
    let (handle, key) = (Handle([7; 16]), SigningKey::from_seed([7; 32]));
    let public_key = *key.public_key().as_bytes();
    let possession = key.sign(&possession_message(ORIGIN, handle, &public_key));
    let key = NewKey {
        public_key,
        possession,
    };
    Founding {
        founders: vec![(handle, "51".to_owned(), key)],
        threshold,
        predecessor: None,
    }
}

#[test]
fn a_ledger_is_founded_once_opened_and_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    init(&dir, &settings(), founding(1)).unwrap();
    let again = init(&dir, &settings(), founding(1));
    assert!(matches!(again, Err(OpenError::AlreadyFounded { .. })));

    let mut config = NodeConfig::new(&dir);
    let node = open(&config).unwrap();
    let receipt = node.receipt(ledger::ids::LeafIndex(0)).unwrap().unwrap();
    assert_eq!(node.settings(), &settings());
    drop(node);
    config.public_url = Some("http://192.168.1.2:8080".to_owned());
    let node = open(&config).unwrap();
    assert_eq!(node.settings().public_url(), "http://192.168.1.2:8080");
    assert_eq!(
        node.receipt(ledger::ids::LeafIndex(0)).unwrap(),
        Some(receipt)
    );
    drop(node);

    std::fs::set_permissions(key_path(&dir), std::fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = open(&config).unwrap_err();
    assert!(matches!(
        exposed,
        OpenError::Key(KeyFileError::Exposed { mode: 0o644, .. })
    ));
}

#[test]
fn a_refused_or_interrupted_founding_may_be_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let refused = init(dir, &settings(), founding(2)).unwrap_err();
    assert!(matches!(refused, OpenError::Founding(reason) if reason.name() == "record-invalid"));
    let unfounded = open(&NodeConfig::new(dir)).unwrap_err();
    assert!(matches!(
        unfounded,
        OpenError::Start(StartError::NotFounded)
    ));
    let key = std::fs::read(key_path(dir)).unwrap();
    let other = settings()
        .with_public_url("https://b.example".to_owned())
        .unwrap();
    let refused = init(dir, &other, founding(1));
    assert!(matches!(refused, Err(OpenError::OtherSettings { .. })));
    init(dir, &settings(), founding(1)).unwrap();
    assert_eq!(std::fs::read(key_path(dir)).unwrap(), key);
    open(&NodeConfig::new(dir)).unwrap();
}
