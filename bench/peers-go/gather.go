package main

import (
	"sync/atomic"
	"time"
)

type request struct {
	record []byte
	done   chan error
}

// Appends with concurrent writers, each of which waits for its record before it offers the next.
func appendFor(log log, writers, bytes int, duration time.Duration) (records int64, elapsed time.Duration, err error) {
	requests := make(chan request, writers)
	ended := make(chan error, writers)
	var stopped atomic.Bool
	var count atomic.Int64
	start := time.Now()
	for _, record := range payloads(writers, bytes) {
		go func() {
			done := make(chan error, 1)
			for !stopped.Load() {
				requests <- request{record, done}
				if err := <-done; err != nil {
					stopped.Store(true)
					ended <- err
					return
				}
				count.Add(1)
				if time.Since(start) >= duration {
					stopped.Store(true)
				}
			}
			ended <- nil
		}()
	}
	go gather(log, requests)
	for range writers {
		if failed := <-ended; failed != nil {
			err = failed
		}
	}
	elapsed = time.Since(start)
	close(requests)
	return count.Load(), elapsed, err
}

// Appends whatever waits, all of it with one call, until there are no more writers.
func gather(log log, requests <-chan request) {
	for first := range requests {
		batch := []request{first}
		records := [][]byte{first.record}
		for waiting := true; waiting; {
			select {
			case next, open := <-requests:
				if !open {
					waiting = false
					break
				}
				batch = append(batch, next)
				records = append(records, next.record)
			default:
				waiting = false
			}
		}
		err := log.append(records)
		for _, one := range batch {
			one.done <- err
		}
	}
}
