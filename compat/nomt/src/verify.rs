//! Holds proofs that others made against the crate: each has to be taken, and each damaged copy of it refused.

use crate::tamper;
use crate::vectors::distinct;
use crate::wire::{bytes32, hex, MultiUpdate, ProofSet, Proofs, ProvenKey, Update};
use crate::with_hasher;
use bitvec::prelude::*;
use nomt_core::hasher::NodeHasher;
use nomt_core::proof::{self, KeyOutOfScope, MultiProof, PathProof, PathUpdate};
use nomt_core::trie::{LeafData, Node};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;

pub fn run(file: &str) -> ExitCode {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let proofs: Proofs = serde_json::from_str(&text).expect("the file has the shape of wire.rs");
    // The crate answers some malformed proofs with a panic, which counts as a refusal.
    std::panic::set_hook(Box::new(|_| {}));
    let mut tally = Tally::default();
    for (at, set) in proofs.proofs.iter().enumerate() {
        for path in &set.paths {
            tally.absent += usize::from(path.value_hash.is_none());
            let name = format!("proofs[{at}], key {}", path.key);
            tally.take(&name, guarded(|| check_path(set, path)));
            tamper::paths(path, |harm, path| {
                tally.refuse(&name, harm, guarded(|| check_path(set, path)))
            });
        }
        tally.keys += set.paths.len();
        let name = format!("proofs[{at}].multi");
        tally.take(&name, guarded(|| check_multi_proof(set)));
        tamper::multi_proofs(set, |harm, set| {
            tally.refuse(&name, harm, guarded(|| check_multi_proof(set)))
        });
    }
    for (at, update) in proofs.updates.iter().enumerate() {
        let name = format!("updates[{at}]");
        tally.take(&name, guarded(|| check_update(update)));
        tamper::updates(update, |harm, update| {
            tally.refuse(&name, harm, guarded(|| check_update(update)))
        });
    }
    for (at, update) in proofs.multi_updates.iter().enumerate() {
        let name = format!("multiUpdates[{at}]");
        tally.take(&name, guarded(|| check_multi_update(update)));
        tamper::multi_updates(update, |harm, update| {
            tally.refuse(&name, harm, guarded(|| check_multi_update(update)))
        });
    }
    let updates = proofs.updates.len() + proofs.multi_updates.len();
    let Tally {
        keys,
        absent,
        damaged,
        wrong,
    } = tally;
    for line in wrong.iter().take(20) {
        println!("{line}");
    }
    println!(
        "{keys} keys, {absent} of them absent, by their paths and by {} multiproofs, and {updates} updates; {damaged} damaged copies; {} wrong answers",
        proofs.proofs.len(),
        wrong.len()
    );
    // A file without proofs would say yes to everything.
    ExitCode::from(u8::from(!wrong.is_empty() || keys == 0 || updates == 0))
}

#[derive(Default)]
struct Tally {
    keys: usize,
    absent: usize,
    damaged: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn take(&mut self, name: &str, answer: Result<(), String>) {
        if let Err(reason) = answer {
            self.wrong.push(format!("{name} is refused: {reason}"));
        }
    }

    fn refuse(&mut self, name: &str, harm: &str, answer: Result<(), String>) {
        self.damaged += 1;
        if answer.is_ok() {
            self.wrong.push(format!("{name} is taken although {harm}"));
        }
    }
}

fn guarded(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("the crate panics".to_string()))
}

/// One key of a set by its own path.
pub fn check_path(set: &ProofSet, path: &ProvenKey) -> Result<(), String> {
    with_hasher!(set.hasher.as_str(), check_path_of(&set.root, path))
}

fn check_path_of<H: NodeHasher>(root: &str, proven: &ProvenKey) -> Result<(), String> {
    let key = bytes32(&proven.key);
    let verified = proven
        .read()
        .verify::<H>(key.view_bits::<Msb0>(), bytes32(root))
        .map_err(|error| format!("{error:?}"))?;
    confirmed(match &proven.value_hash {
        Some(hash) => verified.confirm_value(&LeafData {
            key_path: key,
            value_hash: bytes32(hash),
        }),
        None => verified.confirm_nonexistence(&key),
    })
}

/// All keys of a set by its multiproof.
pub fn check_multi_proof(set: &ProofSet) -> Result<(), String> {
    with_hasher!(set.hasher.as_str(), check_multi_proof_of(set))
}

fn check_multi_proof_of<H: NodeHasher>(set: &ProofSet) -> Result<(), String> {
    let verified =
        proof::verify_multi_proof::<H>(&set.multi.read(), bytes32(&set.root)).map_err(|error| format!("{error:?}"))?;
    for proven in &set.paths {
        let key = bytes32(&proven.key);
        confirmed(match &proven.value_hash {
            Some(hash) => verified.confirm_value(&LeafData {
                key_path: key,
                value_hash: bytes32(hash),
            }),
            None => verified.confirm_nonexistence(&key),
        })
        .map_err(|reason| format!("{}: {reason}", proven.key))?;
    }
    Ok(())
}

fn confirmed(answer: Result<bool, KeyOutOfScope>) -> Result<(), String> {
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err("the key is something else".to_string()),
        Err(KeyOutOfScope) => Err("the key is out of scope".to_string()),
    }
}

/// By path proofs, and by the multiproof that is made of them.
pub fn check_update(update: &Update) -> Result<(), String> {
    with_hasher!(update.hasher.as_str(), check_update_of(update))
}

fn check_update_of<H: NodeHasher>(update: &Update) -> Result<(), String> {
    let prev_root = bytes32(&update.prev_root);
    let root = bytes32(&update.root);
    let mut paths: Vec<PathUpdate> = Vec::new();
    let mut proofs: Vec<PathProof> = Vec::new();
    for path in &update.paths {
        let proof = PathProof {
            terminal: path.terminal.read(path.siblings.len()),
            siblings: crate::wire::nodes_of(&path.siblings),
        };
        let inner = proof
            .verify::<H>(proof.terminal.path(), prev_root)
            .map_err(|error| format!("path of an update: {error:?}"))?;
        let ops = path
            .ops
            .iter()
            .map(|(key, hash)| (bytes32(key), hash.as_deref().map(bytes32)))
            .collect();
        paths.push(PathUpdate { inner, ops });
        proofs.push(proof);
    }
    let updated = proof::verify_update::<H>(prev_root, &paths).map_err(|error| format!("update: {error:?}"))?;
    if updated != root {
        return Err(format!("update: the root becomes {}", hex(&updated)));
    }
    let ops = paths.into_iter().flat_map(|path| path.ops).collect();
    updates_to::<H>(prev_root, root, &MultiProof::from_path_proofs(distinct(proofs)), ops)
}

fn check_multi_update(update: &MultiUpdate) -> Result<(), String> {
    with_hasher!(update.hasher.as_str(), check_multi_update_of(update))
}

fn check_multi_update_of<H: NodeHasher>(update: &MultiUpdate) -> Result<(), String> {
    let ops = update
        .ops
        .iter()
        .map(|(key, hash)| (bytes32(key), hash.as_deref().map(bytes32)))
        .collect();
    updates_to::<H>(
        bytes32(&update.prev_root),
        bytes32(&update.root),
        &update.multi.read(),
        ops,
    )
}

fn updates_to<H: NodeHasher>(
    prev_root: Node,
    root: Node,
    multi: &MultiProof,
    ops: Vec<(Node, Option<Node>)>,
) -> Result<(), String> {
    let verified =
        proof::verify_multi_proof::<H>(multi, prev_root).map_err(|error| format!("multiproof: {error:?}"))?;
    let updated = proof::verify_multi_proof_update::<H>(&verified, ops)
        .map_err(|error| format!("update by multiproof: {error:?}"))?;
    if updated != root {
        return Err(format!("update by multiproof: the root becomes {}", hex(&updated)));
    }
    Ok(())
}
