//! Runs the cases through the real store and through `build_trie`, which have to agree, and writes down what they say.

use crate::cases::{self, Batch, Case, CaseBatch, Key};
use crate::verify;
use crate::wire::{
    hex, hex_nodes, BatchVectors, Bulk, CaseVectors, ProofSet, ProvenKey, Roots, Update, UpdatedPath, Vectors,
};
use crate::{with_hasher, HASHERS};
use nomt::{HashAlgorithm, KeyReadWrite, Nomt, Options, SessionParams, Witness, WitnessMode};
use nomt_core::proof::{MultiProof, PathProof};
use nomt_core::trie::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const BULK_BATCHES: u64 = 4;
const BULK_KEYS: u64 = 2500;
/// The hashers beside the first differ in the hash alone: two cases are enough for their proofs.
const PROVEN_BY_ALL: [&str; 2] = ["edge", "pair-16"];

pub fn write(out: &str, seed: u64) {
    let cases = cases::all(seed).iter().map(case_vectors).collect();
    let bulk: Vec<Batch> = (0..BULK_BATCHES).map(|number| cases::bulk(number, BULK_KEYS)).collect();
    let mut roots = vec![Roots::new(); bulk.len()];
    for hasher in HASHERS {
        let made = with_hasher!(hasher, bulk_roots(&bulk));
        for (at, root) in made.iter().enumerate() {
            roots[at].insert(hasher.to_string(), hex(root));
        }
    }
    let vectors = Vectors {
        made_by: "compat/nomt",
        seed,
        cases,
        bulk: Bulk { keys: BULK_KEYS, roots },
    };
    let text = serde_json::to_string(&vectors).expect("plain data");
    // A line for each batch, so that a difference can be read.
    let text = text
        .replace("{\"name\"", "\n{\"name\"")
        .replace("{\"ops\":", "\n{\"ops\":")
        .replace(",\"bulk\"", ",\n\"bulk\"");
    std::fs::write(out, text + "\n").expect("the file can be written");
}

fn case_vectors(case: &Case) -> CaseVectors {
    let mut batches: Vec<BatchVectors> = case
        .batches
        .iter()
        .map(|batch| BatchVectors {
            ops: batch
                .ops
                .iter()
                .map(|(key, value)| (hex(key), value.as_deref().map(hex)))
                .collect(),
            roots: Roots::new(),
            proofs: Vec::new(),
            updates: Vec::new(),
        })
        .collect();
    for hasher in HASHERS {
        let proven = hasher == HASHERS[0] || PROVEN_BY_ALL.contains(&case.name.as_str());
        with_hasher!(hasher, add_hasher(hasher, proven, case, &mut batches));
    }
    CaseVectors {
        name: case.name.clone(),
        batches,
    }
}

fn add_hasher<H: HashAlgorithm + Send + Sync + 'static>(
    hasher: &str,
    proven: bool,
    case: &Case,
    vectors: &mut [BatchVectors],
) {
    let mut store = Store::<H>::open();
    for (
        CaseBatch {
            ops,
            proven: keys,
            update,
        },
        out,
    ) in case.batches.iter().zip(vectors)
    {
        let prev_root = store.root();
        let witness = store.commit(ops);
        let root = store.root();
        out.roots.insert(hasher.to_string(), hex(&root));
        if !proven {
            continue;
        }
        if !keys.is_empty() {
            let set = store.prove(hasher, keys);
            for path in &set.paths {
                verify::check_path(&set, path).expect("the crate takes its own proofs");
            }
            verify::check_multi_proof(&set).expect("the crate takes its own multiproofs");
            out.proofs.push(set);
        }
        if *update {
            let update = proven_update(hasher, prev_root, root, &witness);
            verify::check_update(&update).expect("the crate takes its own updates");
            out.updates.push(update);
        }
    }
}

fn bulk_roots<H: HashAlgorithm + Send + Sync + 'static>(batches: &[Batch]) -> Vec<Node> {
    let mut store = Store::<H>::open();
    batches
        .iter()
        .map(|ops| {
            store.commit(ops);
            store.root()
        })
        .collect()
}

/// A store of the real kind in a directory of its own, and what it should hold.
struct Store<H> {
    nomt: Option<Nomt<H>>,
    values: BTreeMap<Key, Node>,
    directory: PathBuf,
}

impl<H: HashAlgorithm> Store<H> {
    fn open() -> Self {
        static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("holdfast-nomt-{}-{number}", std::process::id()));
        let mut options = Options::new();
        options.path(&directory);
        options.hashtable_buckets(8192);
        options.preallocate_ht(false);
        options.bitbox_seed([0; 16]);
        options.io_workers(1);
        options.page_cache_size(16);
        options.leaf_cache_size(16);
        Store {
            nomt: Some(Nomt::open(options).expect("the store opens")),
            values: BTreeMap::new(),
            directory,
        }
    }

    fn nomt(&self) -> &Nomt<H> {
        self.nomt.as_ref().expect("it is open")
    }

    fn commit(&mut self, ops: &Batch) -> Witness {
        let session = self
            .nomt()
            .begin_session(SessionParams::default().witness_mode(WitnessMode::read_write()));
        let actuals = ops
            .iter()
            .map(|(key, value)| (*key, KeyReadWrite::Write(value.clone())))
            .collect();
        let mut finished = session.finish(actuals).expect("the session finishes");
        let witness = finished.take_witness().expect("it was asked for");
        finished.commit(self.nomt()).expect("the session commits");
        for (key, value) in ops {
            match value {
                Some(value) => self.values.insert(*key, H::hash_value(value)),
                None => self.values.remove(key),
            };
        }
        witness
    }

    /// By the store and by `build_trie`, which have to agree.
    fn root(&self) -> Node {
        let leaves = self.values.iter().map(|(key, value)| (*key, *value));
        let built = nomt_core::update::build_trie::<H>(0, leaves.collect::<Vec<_>>(), |_| {});
        assert_eq!(
            self.nomt().root().into_inner(),
            built,
            "the store's root is that of its keys"
        );
        built
    }

    fn prove(&self, hasher: &str, keys: &BTreeSet<Key>) -> ProofSet {
        let session = self.nomt().begin_session(SessionParams::default());
        let proofs: Vec<(Key, PathProof)> = keys
            .iter()
            .map(|key| (*key, session.prove(*key).expect("the store proves")))
            .collect();
        let multi = MultiProof::from_path_proofs(distinct(proofs.iter().map(|(_, proof)| proof.clone()).collect()));
        ProofSet {
            hasher: hasher.to_string(),
            root: hex(&self.root()),
            paths: proofs
                .iter()
                .map(|(key, proof)| ProvenKey {
                    key: hex(key),
                    value_hash: self.values.get(key).map(|hash| hex(hash)),
                    terminal: (&proof.terminal).into(),
                    siblings: hex_nodes(&proof.siblings),
                })
                .collect(),
            multi: (&multi).into(),
        }
    }
}

impl<H> Drop for Store<H> {
    fn drop(&mut self) {
        self.nomt = None;
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// In order of their terminals, each once.
pub fn distinct(mut proofs: Vec<PathProof>) -> Vec<PathProof> {
    proofs.sort_by(|a, b| a.terminal.path().cmp(b.terminal.path()));
    proofs.dedup_by(|a, b| a.terminal.path() == b.terminal.path());
    proofs
}

fn proven_update(hasher: &str, prev_root: Node, root: Node, witness: &Witness) -> Update {
    let mut paths: Vec<(usize, &PathProof)> = witness.path_proofs.iter().map(|path| &path.inner).enumerate().collect();
    paths.sort_by(|(_, a), (_, b)| a.terminal.path().cmp(b.terminal.path()));
    Update {
        hasher: hasher.to_string(),
        prev_root: hex(&prev_root),
        root: hex(&root),
        paths: paths
            .into_iter()
            .map(|(index, proof)| {
                let mut ops: Vec<(String, Option<String>)> = witness
                    .operations
                    .writes
                    .iter()
                    .filter(|write| write.path_index == index)
                    .map(|write| (hex(&write.key), write.value.map(|hash| hex(&hash))))
                    .collect();
                ops.sort();
                UpdatedPath {
                    terminal: (&proof.terminal).into(),
                    siblings: hex_nodes(&proof.siblings),
                    ops,
                }
            })
            .collect(),
    }
}
