package main

import "github.com/tidwall/wal"

// As it comes: binary format, segments of 20 MB, an fsync for each batch. Reads hand out views, as ours do.
type tidwallLog struct {
	log   *wal.Log
	last  uint64
	batch wal.Batch
}

func openTidwall(dir string, unsynced bool) (log, error) {
	options := *wal.DefaultOptions
	options.NoSync = unsynced
	options.NoCopy = true
	opened, err := wal.Open(dir, &options)
	if err != nil {
		return nil, err
	}
	last, err := opened.LastIndex()
	return &tidwallLog{log: opened, last: last}, err
}

func (t *tidwallLog) append(records [][]byte) error {
	t.batch.Clear()
	for _, record := range records {
		t.last++
		t.batch.Write(t.last, record)
	}
	return t.log.WriteBatch(&t.batch)
}

func (t *tidwallLog) replay(each func([]byte)) error {
	first, err := t.log.FirstIndex()
	if err != nil {
		return err
	}
	for index := first; index <= t.last; index++ {
		record, err := t.log.Read(index)
		if err != nil {
			return err
		}
		each(record)
	}
	return nil
}

func (t *tidwallLog) close() error {
	return t.log.Close()
}
