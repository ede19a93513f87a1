package main

import (
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// As it comes: preallocated segments of 64 MB, a rolling checksum, an fdatasync for each batch. A log has to be read whole before it can be
// appended to, so opening finds what replay gives.
type etcdLog struct {
	log   *wal.WAL
	last  uint64
	found []*raftpb.Entry
}

func openEtcd(dir string, unsynced bool) (log, error) {
	etcd := &etcdLog{}
	var err error
	if !wal.Exist(dir) {
		etcd.log, err = wal.Create(zap.NewNop(), dir, nil)
	} else if etcd.log, err = wal.Open(zap.NewNop(), dir, &walpb.Snapshot{}); err == nil {
		_, _, etcd.found, err = etcd.log.ReadAll()
		etcd.last = uint64(len(etcd.found))
	}
	if err != nil {
		return nil, err
	}
	if unsynced {
		etcd.log.SetUnsafeNoFsync()
	}
	return etcd, nil
}

func (e *etcdLog) append(records [][]byte) error {
	term := uint64(1)
	entries := make([]*raftpb.Entry, len(records))
	for at, record := range records {
		e.last++
		index := e.last
		entries[at] = &raftpb.Entry{Term: &term, Index: &index, Data: record}
	}
	return e.log.Save(nil, entries)
}

func (e *etcdLog) replay(each func([]byte)) error {
	for _, entry := range e.found {
		each(entry.Data)
	}
	return nil
}

func (e *etcdLog) close() error {
	return e.log.Close()
}
