package main

import (
	"os"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// As it comes: preallocated segments of 64 MiB, a checksum and an fsync for each batch. It can't do without the fsync.
type raftWal struct {
	log  *wal.WAL
	last uint64
}

func openRaftWal(dir string, _ bool) (log, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	opened, err := wal.Open(dir)
	if err != nil {
		return nil, err
	}
	last, err := opened.LastIndex()
	return &raftWal{opened, last}, err
}

func (r *raftWal) append(records [][]byte) error {
	entries := make([]raft.Log, len(records))
	logs := make([]*raft.Log, len(records))
	for at, record := range records {
		r.last++
		entries[at] = raft.Log{Index: r.last, Term: 1, Type: raft.LogCommand, Data: record}
		logs[at] = &entries[at]
	}
	return r.log.StoreLogs(logs)
}

func (r *raftWal) replay(each func([]byte)) error {
	first, err := r.log.FirstIndex()
	if err != nil {
		return err
	}
	var entry raft.Log
	for index := first; index <= r.last; index++ {
		if err := r.log.GetLog(index, &entry); err != nil {
			return err
		}
		each(entry.Data)
	}
	return nil
}

func (r *raftWal) close() error {
	return r.log.Close()
}
