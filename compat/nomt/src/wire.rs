//! The shapes of both files. Bytes are hex, and `""` stands for a node of zeros, which is a terminator.
//!
//! A file of vectors holds cases, a case its batches in order from an empty trie, a batch its operations (key and value, `null` for a
//! deletion; keys ascend), the root after it by hasher, proofs of keys in that trie, and the batch itself as a proven update.
//! The file that `verify` reads holds proofs and updates alone.

use nomt_core::proof::{MultiPathProof, MultiProof, PathProof, PathProofTerminal};
use nomt_core::trie::{LeafData, Node, TERMINATOR};
use nomt_core::trie_pos::TriePosition;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub type Roots = BTreeMap<String, String>;

#[derive(Serialize)]
pub struct Vectors {
    #[serde(rename = "madeBy")]
    pub made_by: &'static str,
    pub seed: u64,
    pub cases: Vec<CaseVectors>,
    pub bulk: Bulk,
}

#[derive(Serialize)]
pub struct CaseVectors {
    pub name: String,
    pub batches: Vec<BatchVectors>,
}

#[derive(Serialize)]
pub struct BatchVectors {
    pub ops: Vec<(String, Option<String>)>,
    pub roots: Roots,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<ProofSet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Update>,
}

/// Batches too large to be written out: batch `b` of `batches` puts the keys `b * keys ..`, and of the batch before it gives every key
/// whose number divides by three another value and removes those with a remainder of one. See `cases::bulk`.
#[derive(Serialize)]
pub struct Bulk {
    pub keys: u64,
    pub roots: Vec<Roots>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Proofs {
    pub proofs: Vec<ProofSet>,
    pub updates: Vec<Update>,
    #[serde(rename = "multiUpdates")]
    pub multi_updates: Vec<MultiUpdate>,
}

/// Keys of one trie, proven one by one and together.
#[derive(Clone, Serialize, Deserialize)]
pub struct ProofSet {
    pub hasher: String,
    pub root: String,
    pub paths: Vec<ProvenKey>,
    pub multi: WireMultiProof,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct ProvenKey {
    pub key: String,
    /// `null` says that the trie has no such key.
    #[serde(rename = "valueHash")]
    pub value_hash: Option<String>,
    pub terminal: Terminal,
    pub siblings: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct WireMultiProof {
    pub paths: Vec<MultiPath>,
    pub siblings: Vec<String>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct MultiPath {
    pub terminal: Terminal,
    pub depth: usize,
}

/// Operations on a trie whose root goes from one to another by them. Paths ascend, and so do the operations under each.
#[derive(Clone, Serialize, Deserialize)]
pub struct Update {
    pub hasher: String,
    #[serde(rename = "prevRoot")]
    pub prev_root: String,
    pub root: String,
    pub paths: Vec<UpdatedPath>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct UpdatedPath {
    pub terminal: Terminal,
    pub siblings: Vec<String>,
    /// Key and hash of the new value.
    pub ops: Vec<(String, Option<String>)>,
}

/// The same with one multiproof for all paths, which may be more than are written to.
#[derive(Clone, Serialize, Deserialize)]
pub struct MultiUpdate {
    pub hasher: String,
    #[serde(rename = "prevRoot")]
    pub prev_root: String,
    pub root: String,
    pub multi: WireMultiProof,
    /// Ascending keys and the hashes of their new values.
    pub ops: Vec<(String, Option<String>)>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Terminal {
    Leaf {
        key: String,
        #[serde(rename = "valueHash")]
        value_hash: String,
    },
    /// Bits from the depth on, which is the number of siblings, are zero.
    Terminator { path: String },
}

impl From<&PathProofTerminal> for Terminal {
    fn from(terminal: &PathProofTerminal) -> Self {
        match terminal {
            PathProofTerminal::Leaf(leaf) => Terminal::Leaf {
                key: hex(&leaf.key_path),
                value_hash: hex(&leaf.value_hash),
            },
            PathProofTerminal::Terminator(position) => {
                let mut path = position.raw_path();
                cut(&mut path, position.depth() as usize);
                Terminal::Terminator { path: hex(&path) }
            }
        }
    }
}

impl Terminal {
    pub fn read(&self, depth: usize) -> PathProofTerminal {
        match self {
            Terminal::Leaf { key, value_hash } => PathProofTerminal::Leaf(LeafData {
                key_path: bytes32(key),
                value_hash: bytes32(value_hash),
            }),
            Terminal::Terminator { .. } if depth == 0 => PathProofTerminal::Terminator(TriePosition::new()),
            Terminal::Terminator { path } => {
                PathProofTerminal::Terminator(TriePosition::from_path_and_depth(bytes32(path), depth as u16))
            }
        }
    }
}

impl ProvenKey {
    pub fn read(&self) -> PathProof {
        PathProof {
            terminal: self.terminal.read(self.siblings.len()),
            siblings: nodes_of(&self.siblings),
        }
    }
}

impl From<&MultiProof> for WireMultiProof {
    fn from(multi: &MultiProof) -> Self {
        WireMultiProof {
            paths: multi
                .paths
                .iter()
                .map(|path| MultiPath {
                    terminal: (&path.terminal).into(),
                    depth: path.depth,
                })
                .collect(),
            siblings: hex_nodes(&multi.siblings),
        }
    }
}

impl WireMultiProof {
    pub fn read(&self) -> MultiProof {
        MultiProof {
            paths: self
                .paths
                .iter()
                .map(|path| MultiPathProof {
                    terminal: path.terminal.read(path.depth),
                    depth: path.depth,
                })
                .collect(),
            siblings: nodes_of(&self.siblings),
        }
    }
}

/// Sets the bits from `depth` on to zero.
pub fn cut(path: &mut [u8; 32], depth: usize) {
    for bit in depth..256 {
        path[bit / 8] &= !(0x80 >> (bit % 8));
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn hex_nodes(nodes: &[Node]) -> Vec<String> {
    nodes
        .iter()
        .map(|node| if *node == TERMINATOR { String::new() } else { hex(node) })
        .collect()
}

pub fn nodes_of(text: &[String]) -> Vec<Node> {
    text.iter()
        .map(|node| if node.is_empty() { TERMINATOR } else { bytes32(node) })
        .collect()
}

pub fn bytes32(text: &str) -> [u8; 32] {
    assert_eq!(text.len(), 64, "32 bytes of hex: {text}");
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex");
    }
    bytes
}
