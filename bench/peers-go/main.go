// Runs write-ahead logs written in Go, for bench/run-peers.mjs. Every command prints one line of JSON.
//
//	peers-go PEER append DIR WRITERS BYTES WARM_MS MS     records and elapsedNs of MS milliseconds, after WARM_MS that are not counted
//	peers-go PEER fill DIR RECORDS BYTES                  writes a log to be read
//	peers-go PEER open DIR                                ns until it can be appended to
//	peers-go PEER replay DIR RECORDS BYTES                ns to open and read everything
//
// PEER is tidwall, raft-wal or etcd. None of them gathers what concurrent writers want, and each takes many records in one call that syncs
// once. So writers hand their records to one goroutine, which writes all that wait at once: see gather.go.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A log to be measured. It is used by one goroutine at a time.
type log interface {
	// Appends records, durable when it returns.
	append(records [][]byte) error
	// Calls with each record from the oldest to the newest.
	replay(each func(record []byte)) error
	close() error
}

// How a log is opened, so that it can be appended to. unsynced is asked for where a log is filled only; a peer may sync all the same.
type opener func(dir string, unsynced bool) (log, error)

var peers = map[string]opener{"tidwall": openTidwall, "raft-wal": openRaftWal, "etcd": openEtcd}

const fillBytes = 1 << 20

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 || peers[args[0]] == nil {
		return fmt.Errorf("usage: peers-go tidwall|raft-wal|etcd append|fill|open|replay DIR NUMBERS…")
	}
	open, command, dir := peers[args[0]], args[1], args[2]
	numbers := make([]int, 0, 4)
	for _, text := range args[3:] {
		number, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		numbers = append(numbers, number)
	}
	wanted := map[string]int{"append": 4, "fill": 2, "open": 0, "replay": 2}
	if count, known := wanted[command]; !known || count != len(numbers) {
		return fmt.Errorf("%s takes %d numbers", command, count)
	}
	result := any(map[string]int64{})
	var err error
	switch command {
	case "append":
		result, err = measureAppends(open, dir, numbers[0], numbers[1], numbers[2], numbers[3])
	case "fill":
		err = fill(open, dir, numbers[0], numbers[1])
	case "open":
		result, err = timeOpen(open, dir)
	case "replay":
		result, err = timeReplay(open, dir, numbers[0], numbers[1])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func measureAppends(open opener, dir string, writers, bytes, warmMs, ms int) (any, error) {
	log, err := open(dir, false)
	if err != nil {
		return nil, err
	}
	if _, _, err = appendFor(log, writers, bytes, time.Duration(warmMs)*time.Millisecond); err != nil {
		return nil, err
	}
	records, elapsed, err := appendFor(log, writers, bytes, time.Duration(ms)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	return map[string]int64{"records": records, "elapsedNs": int64(elapsed)}, log.close()
}

func fill(open opener, dir string, records, bytes int) error {
	log, err := open(dir, true)
	if err != nil {
		return err
	}
	batch := max(1, min(1000, fillBytes/bytes))
	for left := records; left > 0; left -= batch {
		if err := log.append(payloads(min(batch, left), bytes)); err != nil {
			return err
		}
	}
	return log.close()
}

func timeOpen(open opener, dir string) (any, error) {
	start := time.Now()
	log, err := open(dir, false)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	return map[string]int64{"ns": int64(took)}, log.close()
}

func timeReplay(open opener, dir string, records, bytes int) (any, error) {
	seen, seenBytes, sum := 0, 0, 0
	start := time.Now()
	log, err := open(dir, false)
	if err != nil {
		return nil, err
	}
	err = log.replay(func(record []byte) {
		seen++
		seenBytes += len(record)
		sum += int(record[0])
	})
	took := time.Since(start)
	if err != nil {
		return nil, err
	}
	if seen != records || seenBytes != records*bytes || sum == 0 {
		return nil, fmt.Errorf("the replay gave %d records and %d bytes, not %d and %d", seen, seenBytes, records, records*bytes)
	}
	return map[string]int64{"ns": int64(took)}, log.close()
}

// Records that do not compress.
func payloads(count, bytes int) [][]byte {
	random := uint32(0x2545f491)
	all := make([][]byte, count)
	for index := range all {
		record := make([]byte, bytes)
		for at := range record {
			random ^= random << 13
			random ^= random >> 17
			random ^= random << 5
			record[at] = byte(random)
		}
		all[index] = record
	}
	return all
}
