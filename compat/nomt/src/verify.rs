//! Holds proofs that others made against the crate: each has to be taken, and each damaged copy of it refused.

use crate::tamper;
use crate::vectors::distinct;
use crate::wire::{bytes32, hex, MultiUpdate, ProofSet, Proofs, ProvenKey, Update};
use crate::{with_hasher, HASHERS};
use bitvec::prelude::*;
use nomt_core::hasher::NodeHasher;
use nomt_core::proof::{self, MultiProof, PathProof, PathUpdate};
use nomt_core::trie::{LeafData, Node};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::process::ExitCode;

pub fn run(file: &str) -> ExitCode {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let proofs: Proofs = serde_json::from_str(&text).expect("the file has the shape of wire.rs");
    // The crate answers some malformed proofs with a panic, which counts as a refusal.
    std::panic::set_hook(Box::new(|_| {}));
    let mut wrong: Vec<String> = Vec::new();
    let (mut keys, mut absent, mut damaged) = (0, 0, 0);
    for (at, set) in proofs.proofs.iter().enumerate() {
        keys += set.paths.len();
        absent += set.paths.iter().filter(|path| path.value_hash.is_none()).count();
        if let Err(reason) = guarded(|| check_set(set)) {
            wrong.push(format!("proofs[{at}], {} keys, is refused: {reason}", set.paths.len()));
        }
        for (harm, set) in tamper::sets(set) {
            damaged += 1;
            if guarded(|| check_set(&set)).is_ok() {
                wrong.push(format!("proofs[{at}] is taken although {harm}"));
            }
        }
    }
    for (at, update) in proofs.updates.iter().enumerate() {
        if let Err(reason) = guarded(|| check_update(update)) {
            wrong.push(format!(
                "updates[{at}], {} paths, is refused: {reason}",
                update.paths.len()
            ));
        }
        for (harm, update) in tamper::updates(update) {
            damaged += 1;
            if guarded(|| check_update(&update)).is_ok() {
                wrong.push(format!("updates[{at}] is taken although {harm}"));
            }
        }
    }
    for (at, update) in proofs.multi_updates.iter().enumerate() {
        if let Err(reason) = guarded(|| check_multi_update(update)) {
            wrong.push(format!(
                "multiUpdates[{at}], {} operations, is refused: {reason}",
                update.ops.len()
            ));
        }
        for (harm, update) in tamper::multi_updates(update) {
            damaged += 1;
            if guarded(|| check_multi_update(&update)).is_ok() {
                wrong.push(format!("multiUpdates[{at}] is taken although {harm}"));
            }
        }
    }
    let updates = proofs.updates.len() + proofs.multi_updates.len();
    println!(
        "{keys} keys proven, {absent} of them absent, in {} multiproofs, and {updates} updates; {damaged} damaged copies; {} wrong answers",
        proofs.proofs.len(),
        wrong.len()
    );
    for line in wrong.iter().take(20) {
        println!("  {line}");
    }
    // A file without proofs would say yes to everything.
    ExitCode::from(u8::from(!wrong.is_empty() || keys == 0 || updates == 0))
}

fn guarded(check: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("the crate panics".to_string()))
}

/// Every key by its own path and by the multiproof.
pub fn check_set(set: &ProofSet) -> Result<(), String> {
    if !HASHERS.contains(&set.hasher.as_str()) {
        return Err(format!("no hasher {}", set.hasher));
    }
    with_hasher!(set.hasher.as_str(), check_set_of(set))
}

fn check_set_of<H: NodeHasher>(set: &ProofSet) -> Result<(), String> {
    let root = bytes32(&set.root);
    let multi = set.multi.read();
    let verified = proof::verify_multi_proof::<H>(&multi, root).map_err(|error| format!("multiproof: {error:?}"))?;
    for proven in &set.paths {
        check_path::<H>(root, proven).map_err(|reason| format!("{}: {reason}", proven.key))?;
        let key = bytes32(&proven.key);
        let confirmed = match &proven.value_hash {
            Some(hash) => verified.confirm_value(&LeafData {
                key_path: key,
                value_hash: bytes32(hash),
            }),
            None => verified.confirm_nonexistence(&key),
        };
        match confirmed {
            Ok(true) => {}
            Ok(false) => return Err(format!("multiproof: {} is something else", proven.key)),
            Err(_) => return Err(format!("multiproof: {} is out of scope", proven.key)),
        }
    }
    Ok(())
}

fn check_path<H: NodeHasher>(root: Node, proven: &ProvenKey) -> Result<(), String> {
    let key = bytes32(&proven.key);
    let verified = proven
        .read()
        .verify::<H>(key.view_bits::<Msb0>(), root)
        .map_err(|error| format!("path: {error:?}"))?;
    let confirmed = match &proven.value_hash {
        Some(hash) => verified.confirm_value(&LeafData {
            key_path: key,
            value_hash: bytes32(hash),
        }),
        None => verified.confirm_nonexistence(&key),
    };
    match confirmed {
        Ok(true) => Ok(()),
        Ok(false) => Err("path: the key is something else".to_string()),
        Err(_) => Err("path: the key is out of scope".to_string()),
    }
}

/// By path proofs, and by the multiproof that is made of them.
pub fn check_update(update: &Update) -> Result<(), String> {
    if !HASHERS.contains(&update.hasher.as_str()) {
        return Err(format!("no hasher {}", update.hasher));
    }
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
    if !HASHERS.contains(&update.hasher.as_str()) {
        return Err(format!("no hasher {}", update.hasher));
    }
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
