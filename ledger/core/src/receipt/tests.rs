use super::*;
use crate::signature::SigningKey;
use proptest::prelude::*;

/// The path of leaf 5 in the worked tree of 8 leaves.
const PATH: [&str; 3] = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
];

fn digest(hex: &str) -> Digest {
    Digest::from_hex(hex).unwrap()
}

fn path() -> [Digest; 3] {
    PATH.map(digest)
}

fn signer(first: u8) -> SigningKey {
    SigningKey::from_seed(std::array::from_fn(|at| first + u8::try_from(at).unwrap()))
}

/// Receipt A of the worked example: the entry, and a root signed under the fewest headers.
const ENTRY_A: [u8; 4] = [0x40, 0x41, 0x42, 0x43];

fn worked_a(algorithm: i64) -> Sign1 {
    let mut writer = Writer::new();
    writer
        .map(2)
        .int(LABEL_ALG)
        .int(algorithm)
        .int(LABEL_VDS)
        .int(VDS_RFC9162);
    let root = digest("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    let mut message = Sign1::sign_detached(&signer(0), writer.finish(), &root.0);
    message.unprotected = unprotected(TreeSize(8), LeafIndex(5), &path());
    message
}

#[test]
fn worked_example_a_is_made_bit_for_bit_and_verified() {
    let bytes = worked_a(ALG_EDDSA).encode();
    assert_eq!(bytes.len(), 192);
    assert_eq!(
        Digest::of(&bytes),
        digest("037ac776b913f180c7a376166b3ecfd1b493469996ae3280b5bae3631ffba7d9")
    );
    assert_eq!(
        hex::encode(worked_a(ALG_ED25519).signature),
        "3eeea017d5279d1d5ddeb9584b2dca26c2cd953ee57ed1ba7d502fb35470edb3\
         36f7f0785bc26d55a39c2e553b836e89425242dcaaf454a6afac0c26bfdf960f"
    );
    for algorithm in [ALG_EDDSA, ALG_ED25519] {
        let receipt = Receipt::parse(&worked_a(algorithm).encode()).unwrap();
        let root = digest("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
        assert_eq!(
            receipt.verify_foreign(&ENTRY_A, signer(0).public_key()),
            Ok(root)
        );
        assert_eq!(
            receipt.verify(&ENTRY_A, signer(0).public_key()),
            Err(ReceiptError::Missing { label: LABEL_KID })
        );
    }
}

/// Receipt B of the worked example, shaped as SCITT has it.
fn worked_b() -> (Vec<u8>, Vec<u8>) {
    let statement_protected = "a4012703706170706c69636174696f6e2f63626f720458208cb46c0f98440da34a\
        d4af304431f76c7cb7462fa8fdfd5d6261dc685809220d0fa201781e68747470733a2f2f6661726d2e6578616d70\
        6c652f70697869616e2d303702781e75726e3a74726163653a62617463683a43442d323032362d303030313233";
    let payload = "a2016768617276657374026e43442d323032362d303030313233";
    let issuer = signer(0x40);
    let protected = hex::decode(statement_protected).unwrap();
    let payload = hex::decode(payload).unwrap();
    let statement = Sign1 {
        payload: Some(payload.clone()),
        ..Sign1::sign_detached(&issuer, protected, &payload)
    };
    let receipt_protected = "a40127045820be5de2f4bcdc383add3fc9827d345f1a37c6a06026b38696fb3229c0\
        03b35f490fa201782168747470733a2f2f6c6f672e6368656e6764752e74726163652e6578616d706c6502781e75\
        726e3a74726163653a62617463683a43442d323032362d30303031323319018b01";
    let root = digest("e3168c52d9a3f0e0959946e85e6fa8c3288bf72bc6e1e832f8d5adaf7e0d34a5");
    let mut receipt =
        Sign1::sign_detached(&signer(0), hex::decode(receipt_protected).unwrap(), &root.0);
    receipt.unprotected = unprotected(TreeSize(8), LeafIndex(5), &path());
    (statement.encode(), receipt.encode())
}

#[test]
fn worked_example_b_is_made_bit_for_bit_and_verified() {
    let (statement, bytes) = worked_b();
    assert_eq!((statement.len(), bytes.len()), (223, 299));
    assert_eq!(
        leaf_hash(&statement),
        digest("75652e4eaf0ce8e1cc5101f1b849163a92bfc3c92ecd7b70d49f7042f2204f2c")
    );
    assert_eq!(
        Digest::of(&bytes),
        digest("7967f29d3e54dc79a838ee925e83cd9bc35029d6b36d13092c6d2ed03a2a740a")
    );
    let receipt = Receipt::parse(&bytes).unwrap();
    assert_eq!(receipt.key_id(), Some(signer(0).public_key().key_id()));
    let root = digest("e3168c52d9a3f0e0959946e85e6fa8c3288bf72bc6e1e832f8d5adaf7e0d34a5");
    assert_eq!(
        receipt.verify_foreign(&statement, signer(0).public_key()),
        Ok(root)
    );
}

/// The weakness this profile mends: with only the root signed, another size and index pass.
#[test]
fn a_foreign_receipt_does_not_prove_its_position() {
    let mut message = worked_a(ALG_EDDSA);
    message.unprotected = unprotected(TreeSize(7), LeafIndex(5), &path());
    let receipt = Receipt::parse(&message.encode()).unwrap();
    assert!(
        receipt
            .verify_foreign(&ENTRY_A, signer(0).public_key())
            .is_ok()
    );
}

fn facts() -> ReceiptFacts {
    ReceiptFacts {
        claims: ReceiptClaims {
            iss: "chengdu.trace.example".to_owned(),
            sub: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
            iat: 1_767_225_600,
        },
        size: TreeSize(8),
        leaf: LeafIndex(5),
        root: digest("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
    }
}

fn verify(bytes: &[u8]) -> Result<ReceiptFacts, ReceiptError> {
    Receipt::parse(bytes)?.verify(&ENTRY_A, signer(0).public_key())
}

fn with_unprotected(unprotected: Vec<u8>) -> Vec<u8> {
    let issued = Receipt::issue(&signer(0), &facts(), &path());
    Sign1 {
        unprotected,
        ..Sign1::decode(&issued).unwrap()
    }
    .encode()
}

#[test]
fn an_issued_receipt_says_what_it_was_issued_for() {
    assert_eq!(
        verify(&Receipt::issue(&signer(0), &facts(), &path())),
        Ok(facts())
    );
}

#[test]
fn a_tree_of_one_leaf_has_an_empty_path() {
    let root = leaf_hash(&ENTRY_A);
    let facts = ReceiptFacts {
        size: TreeSize(1),
        leaf: LeafIndex(0),
        root,
        ..facts()
    };
    assert_eq!(verify(&Receipt::issue(&signer(0), &facts, &[])), Ok(facts));
}

#[test]
fn an_altered_size_or_index_is_refused_by_name() {
    for (size, leaf, want) in [
        (
            7,
            5,
            ReceiptError::SizeAltered {
                signed: TreeSize(8),
                shown: TreeSize(7),
            },
        ),
        (
            12,
            9,
            ReceiptError::SizeAltered {
                signed: TreeSize(8),
                shown: TreeSize(12),
            },
        ),
        (
            8,
            4,
            ReceiptError::IndexAltered {
                signed: LeafIndex(5),
                shown: LeafIndex(4),
            },
        ),
    ] {
        let bytes = with_unprotected(unprotected(TreeSize(size), LeafIndex(leaf), &path()));
        assert_eq!(verify(&bytes), Err(want));
    }
}

#[test]
fn each_refusal_has_its_name() {
    let good = Receipt::issue(&signer(0), &facts(), &path());
    let receipt = Receipt::parse(&good).unwrap();
    assert_eq!(
        receipt.verify(&ENTRY_A, signer(1).public_key()),
        Err(ReceiptError::KeyMismatch {
            found: signer(0).public_key().key_id(),
            want: signer(1).public_key().key_id()
        })
    );
    let another_entry = receipt.verify(b"another entry", signer(0).public_key());
    assert_eq!(another_entry, Err(ReceiptError::Signature(BadSignature)));
    let short = with_unprotected(unprotected(TreeSize(8), LeafIndex(5), &path()[..2]));
    assert_eq!(
        verify(&short),
        Err(ReceiptError::Proof(ProofError::PathLength {
            got: 2,
            want: 3
        }))
    );
    assert_eq!(
        verify(&with_unprotected(vec![0xa0])),
        Err(ReceiptError::Missing { label: LABEL_VDP })
    );
    let message = Sign1::decode(&good).unwrap();
    let attached = Sign1 {
        payload: Some(facts().root.0.to_vec()),
        ..message.clone()
    };
    assert_eq!(
        verify(&attached.encode()),
        Err(ReceiptError::PayloadAttached)
    );
    let protected = |hex| {
        let protected = hex::decode(hex).unwrap();
        verify(
            &Sign1 {
                protected,
                ..message.clone()
            }
            .encode(),
        )
    };
    assert_eq!(
        protected("a2012619018b01"),
        Err(ReceiptError::Algorithm { algorithm: -7 })
    );
    assert_eq!(
        protected("a2012719018b02"),
        Err(ReceiptError::TreeKind { kind: 2 })
    );
    assert_eq!(
        protected("a119018b01"),
        Err(ReceiptError::Missing { label: LABEL_ALG })
    );
    assert_eq!(
        protected("a10127"),
        Err(ReceiptError::Missing { label: LABEL_VDS })
    );
    assert_eq!(
        verify(&vec![0; RECEIPT_BYTES_MAX + 1]),
        Err(ReceiptError::TooLarge {
            limit_bytes: RECEIPT_BYTES_MAX
        })
    );
}

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_is_refused(at: prop::sample::Index, bit in 0_u8..8) {
        let mut bytes = Receipt::issue(&signer(0), &facts(), &path());
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(verify(&bytes).is_err(), "byte {at}");
    }
}
