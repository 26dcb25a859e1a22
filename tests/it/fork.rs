//! A log that has lost its memory, or whose key is at work twice: it asks before it signs, stops
//! when it is shown to be wrong, and what shows two histories is kept.

use ledger::hash::Digest;
use std::path::Path;
use tests::demo::{Answer, ended, get, post, printed, suyuan};
use tests::files::copy_dir;
use tests::liar::{Liar, Said};
use tests::region::{Region, until};

/// May this be sold?
const CHECK: &[u8] = br#"{"code": "https://id.gs1.org/01/06901234567892/10/A1", "act": "sell"}"#;

/// A log, and two witnesses of it that run; `group` names how many of them are asked for.
fn watched(group: &str) -> (Region, [Region; 2]) {
    let [chengdu, mut chongqing, mut kunming] =
        ["chengdu", "chongqing", "kunming"].map(Region::found);
    let by_chongqing = chongqing.watch("chongqing.example/w", &[&chengdu]);
    let by_kunming = kunming.watch("kunming.example/w", &[&chengdu]);
    let group = format!("group g {group} chongqing.example/w kunming.example/w");
    chengdu.trust(&[&by_chongqing, &by_kunming, &group, "quorum g"]);
    chongqing.start();
    kunming.start();
    (chengdu, [chongqing, kunming])
}

/// Records once more, and waits until the quorum has cosigned it.
fn record_witnessed(log: &mut Region) {
    let size = log.record();
    until("the quorum cosigns", || {
        (log.witnessed()?.claim().size >= size).then_some(())
    });
}

/// Why it takes no statements.
fn why_not(log: &Region) -> String {
    let ready = log.get("/ready");
    assert_eq!(ready.status, 503);
    let body: serde_json::Value = serde_json::from_slice(&ready.body).unwrap();
    body["why"].as_str().unwrap().to_owned()
}

fn reason(answer: &Answer) -> (u16, String) {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    (answer.status, body["reason"].as_str().unwrap().to_owned())
}

fn lose_head(log: &Region) {
    std::fs::remove_file(log.dir().join("head")).unwrap();
}

/// Puts the state in `from` in the place of what the log has now.
fn put_back(log: &Region, from: &Path) {
    std::fs::remove_dir_all(log.dir()).unwrap();
    copy_dir(from, &log.dir());
}

/// What `suyuan verify` says of an evidence file, by a policy.
fn verified(file: &Path, policy: &Path) -> (i32, String) {
    let (file, policy) = (file.to_str().unwrap(), policy.to_str().unwrap());
    let output = suyuan(&["verify", "--lang", "en", "--trust", policy, file]).output();
    let output = output.unwrap();
    let (code, said) = ended(&output);
    let told = String::from_utf8(output.stdout).unwrap();
    (code, format!("{told}{said}"))
}

fn evidence_files(dir: &Path) -> Vec<std::path::PathBuf> {
    let files = std::fs::read_dir(dir.join("evidence"))
        .into_iter()
        .flatten();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn without_its_head_file_a_log_signs_nothing_until_a_quorum_has_answered() {
    let (mut log, [chongqing, mut kunming]) = watched("all");
    log.start();
    record_witnessed(&mut log);
    let before = log.checkpoint();
    log.kill();

    // With its head file it asks nobody: a statement is recorded while no quorum can be had.
    kunming.kill();
    log.start();
    let size = log.record();
    log.kill();

    lose_head(&log);
    for _ in 0..2 {
        // Again after a restart: the head file is there again, the doubt too.
        log.start_reading();
        assert_eq!(why_not(&log), "unconfirmed");
        assert_eq!(log.figure("suyuan_unconfirmed "), "1");
        let checkpoint = log.checkpoint();
        assert!(checkpoint.claim().size >= size && checkpoint.claim().size > before.claim().size);
        let refused = post(
            &format!("{}/entries", log.url()),
            "application/cose",
            b"any",
        );
        assert_eq!(refused.status, 503);
        let refused = post(&format!("{}/check", log.url()), "application/json", CHECK);
        assert_eq!(reason(&refused), (503, "unconfirmed".to_owned()));
        let refused = get(&format!("{}/entries/1", log.url()), "application/json");
        assert_eq!(refused.status, 503);
        // One witness has answered by now, or will soon; the other is needed as well.
        until("the other witness answers", || {
            (log.checkpoint().signatures() == 2).then_some(())
        });
        assert_eq!(why_not(&log), "unconfirmed");
        assert!(
            log.said().contains("until a quorum of the witnesses"),
            "{}",
            log.said()
        );
        log.kill();
    }
    log.start_reading();
    kunming.start();
    let (_, took) = until("the quorum answers", || {
        (log.get("/ready").status == 200).then_some(())
    });
    println!("signs again {took:?} after the missing witness came back");
    assert_eq!(log.figure("suyuan_unconfirmed "), "0");
    record_witnessed(&mut log);
    log.kill();

    // From then on it asks nobody again.
    drop((chongqing, kunming));
    log.start();
    log.record();
}

#[test]
fn an_old_copy_ends_by_name_whatever_is_left_of_its_memory_and_a_successor_continues() {
    let (mut log, witnesses) = watched("all");
    log.start();
    record_witnessed(&mut log);
    log.kill();
    let old = log.file("old");
    copy_dir(&log.dir(), &old);
    log.start();
    record_witnessed(&mut log);
    record_witnessed(&mut log);
    let last = log.witnessed().unwrap();
    log.kill();
    let newest = log.file("newest");
    copy_dir(&log.dir(), &newest);

    // An old copy that lost its head file: witnesses show what is missing.
    put_back(&log, &old);
    lose_head(&log);
    for _ in 0..2 {
        assert_eq!(log.run_until_it_ends(&[]), 8);
        let said = log.said();
        assert!(said.contains("behind-witness"), "{said}");
        assert!(said.contains("--successor-of"), "{said}");
    }

    // A whole old copy, head file and all: nothing here can tell, but the first answer does, and it
    // is not forgotten.
    put_back(&log, &old);
    assert_eq!(log.run_until_it_ends(&[]), 8);
    assert!(log.said().contains("behind-witness"), "{}", log.said());
    assert!(log.dir().join("unconfirmed").exists());

    // An old copy beside which the newest witnessed checkpoint was left: no witness is needed.
    put_back(&log, &old);
    std::fs::copy(newest.join("witnessed"), log.dir().join("witnessed")).unwrap();
    assert_eq!(log.run_until_it_ends(&[]), 8);
    let said = log.said();
    assert!(said.contains("behind-witness"), "{said}");
    assert!(said.contains("were signed and witnessed"), "{said}");

    // Gone or not: it does not forget that it was shown.
    std::fs::remove_file(log.dir().join("witnessed")).unwrap();
    assert_eq!(log.run_until_it_ends(&[]), 8);

    // Where witnesses are asked, nobody's word replaces theirs.
    put_back(&log, &old);
    lose_head(&log);
    assert_eq!(log.run_until_it_ends(&["--nothing-newer-was-signed"]), 2);
    assert_eq!(log.run_until_it_ends(&[]), 8);

    // Brought level it goes on.
    let mut level = log.copied();
    put_back(&level, &newest);
    std::fs::write(level.dir().join("unconfirmed"), "restored\n").unwrap();
    level.start_reading();
    until("the quorum answers", || {
        (level.get("/ready").status == 200).then_some(())
    });
    level.kill();

    let ahead = std::fs::read_to_string(log.dir().join("ahead")).unwrap();
    assert!(ahead.starts_with(&last.claim().to_string()), "{ahead}");

    // What is lost for good is closed, and continued by another log that commits to it.
    let second = log.file("second");
    let (old_dir, new_dir) = (log.dir(), second.join("data"));
    std::fs::create_dir(&second).unwrap();
    let founded = printed(&[
        "init",
        "--json",
        "--dir",
        new_dir.to_str().unwrap(),
        "--origin",
        "chengdu.example/second",
        "--public-url",
        "http://127.0.0.1:8080",
        "--successor-of",
        old_dir.to_str().unwrap(),
    ]);
    assert_eq!(founded["predecessor"], log.origin());
    log.start_reading();
    assert_eq!(why_not(&log), "closed");
    let refused = post(&format!("{}/check", log.url()), "application/json", CHECK);
    assert_eq!(reason(&refused), (503, "closed".to_owned()));
    assert_eq!(log.checkpoint().claim().origin, log.origin());
    log.kill();
    put_back(&log, &new_dir);
    log.start();
    let shown = log.get("/predecessor");
    let shown = String::from_utf8(shown.body).unwrap();
    assert_eq!(shown, ahead);
    drop(witnesses);
}

#[test]
fn a_log_without_witnesses_is_told_by_its_operator_once() {
    let mut log = Region::found("chengdu");
    log.start();
    log.record();
    log.kill();
    let told = ["--nothing-newer-was-signed"];
    assert_eq!(log.run_until_it_ends(&told), 2);
    lose_head(&log);
    for _ in 0..2 {
        assert_eq!(log.run_until_it_ends(&[]), 8);
        assert!(log.said().contains("unconfirmed"), "{}", log.said());
        assert!(log.said().contains("--nothing-newer-was-signed"));
    }
    log.start_reading_with(&told);
    assert_eq!(log.get("/ready").status, 200);
    log.kill();
    log.start();
    log.record();
    log.kill();
    // The word is for one start: it cannot stand in a unit file.
    assert_eq!(log.run_until_it_ends(&told), 2);
}

#[test]
fn a_lying_witness_stops_no_log_and_frees_none() {
    let (mut log, [chongqing, mut kunming]) = watched("1");
    let lie = |add: (u16, &'static str, &str), latest: (u16, &str)| Said {
        add: (add.0, add.1, add.2.to_owned()),
        latest: (latest.0, latest.1.to_owned()),
    };
    let size_type = "text/x.tlog.size";
    let much = lie((409, size_type, "999999\n"), (404, ""));
    let liar = Liar::new(much.clone());
    // In the place of Chongqing.
    let path = log.dir().join("trust.txt");
    let policy = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, policy.replace(&chongqing.url(), liar.url())).unwrap();
    log.start();
    record_witnessed(&mut log);
    let mut forged = Region::found("chengdu");
    let forged_checkpoint = {
        forged.start();
        forged.record();
        forged.checkpoint().to_string()
    };
    let own = log.checkpoint().to_string();
    for latest in [
        (200, forged_checkpoint.as_str()),
        // A checkpoint of ours, without the witness's own name under it.
        (200, own.as_str()),
        (200, "nonsense"),
        (500, ""),
    ] {
        liar.say(lie((409, size_type, "999999\n"), latest));
        // Restarted, so that no pause after a failure is waited for.
        log.kill();
        log.start();
        let asked = liar.asked();
        until("the liar is asked", || {
            (liar.asked() >= asked + 2).then_some(())
        });
        record_witnessed(&mut log);
    }
    assert_eq!(log.get("/ready").status, 200);
    log.kill();

    // Alone it cannot give back the right to sign, whatever it says.
    kunming.kill();
    lose_head(&log);
    liar.say(lie((200, "text/plain", "nonsense\n"), (200, own.as_str())));
    log.start_reading();
    let asked = liar.asked();
    until("the liar is asked", || {
        (liar.asked() >= asked + 2).then_some(())
    });
    liar.say(much);
    let asked = liar.asked();
    until("the liar is asked", || {
        (liar.asked() >= asked + 2).then_some(())
    });
    assert_eq!(why_not(&log), "unconfirmed");
    // Nor can an honest one, where a quorum may have formed without it: one of two.
    kunming.start();
    let asked = liar.asked();
    until("the liar is asked", || {
        (liar.asked() >= asked + 2).then_some(())
    });
    assert_eq!(why_not(&log), "unconfirmed");
    // With the liar out of the policy it can.
    log.kill();
    let honest = kunming.url();
    let policy = std::fs::read_to_string(&path).unwrap();
    let known = |line: &&str| line.starts_with("log ") || line.contains(&honest);
    let kept: Vec<&str> = policy.lines().filter(known).collect();
    let name = kept[1].split(' ').nth(1).unwrap();
    std::fs::write(&path, format!("{}\nquorum {name}\n", kept.join("\n"))).unwrap();
    log.start_reading();
    until("the honest witness answers", || {
        (log.get("/ready").status == 200).then_some(())
    });
    record_witnessed(&mut log);
}

#[test]
fn a_witness_that_never_saw_the_log_frees_none() {
    let mut log = Region::found("chengdu");
    log.start();
    log.record();
    log.kill();
    let mut kunming = Region::found("kunming");
    let by_kunming = kunming.watch("kunming.example/w", &[&log]);
    kunming.start();
    log.trust(&[&by_kunming, "quorum kunming.example/w"]);
    lose_head(&log);
    log.start_reading();
    // It would cosign whatever it is asked for first, and is therefore not asked to.
    until("the new witness is asked", || {
        log.said()
            .contains("it knows nothing of this log")
            .then_some(())
    });
    assert_eq!(why_not(&log), "unconfirmed");
    assert_eq!(log.checkpoint().signatures(), 1);
    let hash = Digest::of(log.origin().as_bytes());
    let latest = kunming.get(&format!("/witness/{hash}/checkpoint"));
    assert_eq!(reason(&latest), (404, "not-cosigned".to_owned()));
}

#[test]
fn two_histories_under_one_key_are_kept_as_evidence_that_anyone_can_check() {
    let (mut log, [chongqing, kunming]) = watched("all");
    log.start();
    record_witnessed(&mut log);
    log.kill();
    // The same log once more, in the hands of whoever has its key.
    let mut twin = log.copied();
    log.start();
    record_witnessed(&mut log);
    let policy = log.dir().join("trust.txt");

    let with_witnesses = std::fs::read_to_string(twin.dir().join("trust.txt")).unwrap();
    twin.trust(&["quorum none"]);
    twin.start();
    twin.record();
    let (one, other) = (log.checkpoint(), twin.checkpoint());
    assert_eq!(one.claim().size, other.claim().size);
    let own = log.checkpoint().to_string();
    assert_ne!(own, other.to_string());
    // Somebody shows a witness what he was given.
    let body = format!("old {}\n\n{other}", one.claim().size);
    let url = format!("{}/add-checkpoint", kunming.url());
    let refused = post(&url, "text/plain; charset=utf-8", body.as_bytes());
    assert_eq!(reason(&refused), (422, "root-changed".to_owned()));
    assert_eq!(kunming.figure("suyuan_evidence_files "), "1");
    let [file] = evidence_files(&kunming.dir()).try_into().unwrap();
    let (code, said) = verified(&file, &policy);
    assert_eq!(code, 0, "{said}");
    for word in [
        "two different histories",
        log.origin(),
        log.vkey(),
        "Not proved",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    // Whoever does not know the log takes nobody's word, and nothing altered convicts it.
    let stranger = Region::found("stranger");
    let (code, said) = verified(&file, &stranger.dir().join("trust.txt"));
    assert!(code == 5 && said.contains("log-unknown"), "{code}: {said}");
    let altered = log.file("altered.txt");
    for (from, to, name) in [
        (
            "\n\u{2014} chengdu",
            "\n\u{2014} chengdv",
            "evidence-checkpoint",
        ),
        (
            "suyuan-evidence/v1\n",
            "suyuan-evidence/v1\nAAAA\n",
            "evidence-malformed",
        ),
    ] {
        std::fs::write(&altered, text.replacen(from, to, 1)).unwrap();
        let (code, said) = verified(&altered, &policy);
        assert!(code != 0 && said.contains(name), "{code}: {said}");
    }

    // The second node, once it asks witnesses too, hears of the first, keeps what shows it, and stops.
    twin.kill();
    std::fs::write(twin.dir().join("trust.txt"), with_witnesses).unwrap();
    assert_eq!(twin.run_until_it_ends(&[]), 5);
    assert!(twin.said().contains("forked"), "{}", twin.said());
    let files = evidence_files(&twin.dir());
    assert_eq!(files.len(), 1);
    let (code, said) = verified(&files[0], &policy);
    assert_eq!(code, 0, "{said}");
    // It does not forget.
    assert_eq!(twin.run_until_it_ends(&[]), 5);
    // The first one is the history that its witnesses know, and goes on.
    record_witnessed(&mut log);
    drop(chongqing);
}
