// Command tidwall makes directories with the real tidwall/wal and says what that library reads in them.
//
//	go run . make <dir>                        the fixtures and expected.json
//	go run . read <dir> binary|json            the entries of a directory as JSON, read in a copy of it
//	go run . random <dir> binary|json <seed>   a directory with random entries
//	go run . append <dir> binary|json <seed>   random entries behind those that a directory has
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"

	"github.com/tidwall/wal"
)

const segmentSize = 128

// found is what the library finds in a directory when it opens it.
type found struct {
	Format      string `json:"format"`
	SegmentSize int    `json:"segmentBytes"`
	// OpenError is the library's, where it refuses the directory.
	OpenError string `json:"openError,omitempty"`
	// ReadError is the first refusal or panic of a read, and the index it was for.
	ReadError  string   `json:"readError,omitempty"`
	FirstIndex uint64   `json:"firstIndex"`
	LastIndex  uint64   `json:"lastIndex"`
	Entries    [][]byte `json:"entries"`
	// After lists the files that opening left, where it changed them.
	After []string `json:"after,omitempty"`
}

func main() {
	args := os.Args[1:]
	switch {
	case len(args) == 2 && args[0] == "make":
		makeFixtures(args[1])
	case len(args) == 3 && args[0] == "read":
		must(json.NewEncoder(os.Stdout).Encode(read(args[1], formatOf(args[2]), segmentSize)))
	case len(args) == 4 && (args[0] == "random" || args[0] == "append"):
		seed, err := strconv.ParseInt(args[3], 10, 64)
		must(err)
		if args[0] == "random" {
			must(os.RemoveAll(args[1]))
		}
		appendRandom(args[1], formatOf(args[2]), seed)
	default:
		fmt.Fprintln(os.Stderr, "usage: tidwall make DIR | read DIR binary|json | random|append DIR binary|json SEED")
		os.Exit(2)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func formatOf(name string) wal.LogFormat {
	if name == "json" {
		return wal.JSON
	}
	return wal.Binary
}

func nameOf(format wal.LogFormat) string {
	if format == wal.JSON {
		return "json"
	}
	return "binary"
}

func open(dir string, format wal.LogFormat, size int, allowEmpty bool) *wal.Log {
	log, err := wal.Open(dir, &wal.Options{SegmentSize: size, LogFormat: format, NoSync: true, AllowEmpty: allowEmpty})
	must(err)
	return log
}

func write(log *wal.Log, entries ...[]byte) {
	last, err := log.LastIndex()
	must(err)
	for i, entry := range entries {
		must(log.Write(last+1+uint64(i), entry))
	}
}

// numbered makes entries with lengths that differ: "entry 1", "entry 2 ..".
func numbered(from, to int) [][]byte {
	var entries [][]byte
	for n := from; n <= to; n++ {
		entries = append(entries, []byte(fmt.Sprintf("entry %d%s", n, strings.Repeat(".", n*7%23))))
	}
	return entries
}

// special holds every kind of text that the JSON format writes in a way of its own.
func special() [][]byte {
	var low []byte
	for c := byte(0); c < 0x20; c++ {
		low = append(low, c)
	}
	return [][]byte{
		low,
		[]byte("quote \" backslash \\ slash / delete \x7f"),
		[]byte("html <b>&</b>"),
		[]byte("line \u2028 paragraph \u2029 bom \ufeff replacement \ufffd"),
		[]byte("\ufeffleading bom"),
		[]byte("grüße 日本 🎉"),
		{0xff},
		{0x61, 0xff, 0xfe},
		{0xed, 0xa0, 0x80},
		{0xc0, 0x80},
		[]byte(`\b \f \u0008 literally`),
		[]byte("$dollar"),
		[]byte("+plus"),
		[]byte(`{"index":"1","data":"+x"}` + "\n"),
	}
}

func makeFixtures(root string) {
	must(os.MkdirAll(root, 0o755))
	all := map[string]found{}
	for _, format := range []wal.LogFormat{wal.Binary, wal.JSON} {
		name := nameOf(format)
		add := func(kind string, make func(dir string)) {
			dir := filepath.Join(root, name+"-"+kind)
			must(os.RemoveAll(dir))
			make(dir)
			all[name+"-"+kind] = read(dir, format, segmentSize)
		}
		written := func(dir string, size int, entries [][]byte) *wal.Log {
			log := open(dir, format, size, false)
			write(log, entries...)
			return log
		}
		add("plain", func(dir string) { must(written(dir, segmentSize, numbered(1, 20)).Close()) })
		add("batches", func(dir string) {
			log := open(dir, format, segmentSize, false)
			var batch wal.Batch
			for i, entry := range numbered(1, 20) {
				batch.Write(uint64(i+1), entry)
				if i%7 == 6 {
					must(log.WriteBatch(&batch))
				}
			}
			must(log.WriteBatch(&batch))
			must(log.Close())
		})
		add("special", func(dir string) { must(written(dir, segmentSize, special()).Close()) })
		add("long", func(dir string) {
			must(written(dir, segmentSize, [][]byte{[]byte(strings.Repeat("a", 127)), []byte(strings.Repeat("b", 128)), []byte(strings.Repeat("c", 300)), []byte("d")}).Close())
		})
		add("exact", func(dir string) {
			overhead := 1
			if format == wal.JSON {
				overhead = len(`{"index":"1","data":"+"}` + "\n")
			}
			must(written(dir, segmentSize, [][]byte{[]byte(strings.Repeat("x", segmentSize/2-overhead)), []byte(strings.Repeat("y", segmentSize/2-overhead))}).Close())
		})
		add("empty-entries", func(dir string) {
			must(written(dir, segmentSize, [][]byte{[]byte("a"), {}, []byte("b"), {}}).Close())
		})
		add("none", func(dir string) { must(written(dir, segmentSize, nil).Close()) })
		add("front", func(dir string) {
			log := written(dir, segmentSize, numbered(1, 20))
			must(log.TruncateFront(8))
			must(log.Close())
		})
		add("back", func(dir string) {
			log := written(dir, segmentSize, numbered(1, 20))
			must(log.TruncateBack(8))
			write(log, numbered(9, 14)...)
			must(log.Close())
		})
		add("back-to-segment-end", func(dir string) {
			log := written(dir, segmentSize, numbered(1, 20))
			second := names(dir)[1]
			index, err := strconv.ParseUint(second, 10, 64)
			must(err)
			must(log.TruncateBack(index - 1))
			must(log.Close())
		})
		add("emptied", func(dir string) {
			log := open(dir, format, segmentSize, true)
			write(log, numbered(1, 6)...)
			must(log.TruncateFront(7))
			must(log.Close())
		})
		// Crashes of truncations: the new segment stands beside the old ones. Made from the directories before and after.
		crash := func(kind string, suffix string, truncate func(log *wal.Log)) func(dir string) {
			return func(dir string) {
				must(written(dir, segmentSize, numbered(1, 20)).Close())
				after := dir + ".after"
				copyDir(dir, after)
				log := open(after, format, segmentSize, false)
				truncate(log)
				must(log.Close())
				list := names(after)
				made := list[0]
				if suffix == ".END" {
					made = list[len(list)-1]
				}
				data, err := os.ReadFile(filepath.Join(after, made))
				must(err)
				must(os.WriteFile(filepath.Join(dir, made+suffix), data, 0o640))
				must(os.RemoveAll(after))
			}
		}
		add("front-crash", crash("front", ".START", func(log *wal.Log) { must(log.TruncateFront(8)) }))
		add("back-crash", crash("back", ".END", func(log *wal.Log) { must(log.TruncateBack(8)) }))
		add("back-crash-removed", func(dir string) {
			crash("back", ".END", func(log *wal.Log) { must(log.TruncateBack(8)) })(dir)
			for _, name := range names(dir) {
				if strings.HasSuffix(name, ".END") {
					must(os.Remove(filepath.Join(dir, strings.TrimSuffix(name, ".END"))))
				}
			}
		})
		add("both-crashes", func(dir string) {
			crash("front", ".START", func(log *wal.Log) { must(log.TruncateFront(3)) })(dir)
			must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d.END", 5)), nil, 0o640))
		})
		add("strangers", func(dir string) {
			must(written(dir, segmentSize, numbered(1, 3)).Close())
			for _, name := range []string{"lsn_metadata.json", "00000000000000000000", "AAAAAAAAAAAAAAAAAAAA", "00000000000000000009.START.TEMP", "99999999999999999999", "00000000000000000002.bak"} {
				must(os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o640))
			}
			must(os.MkdirAll(filepath.Join(dir, "checkpoint"), 0o755))
			must(os.WriteFile(filepath.Join(dir, "checkpoint", "lsn_00000000000000000001"), []byte("1"), 0o640))
			must(os.MkdirAll(filepath.Join(dir, "00000000000000000007"), 0o755))
			must(os.WriteFile(filepath.Join(dir, "00000000000000000007", "keep"), nil, 0o640))
		})
		// Damage that a crash or a disk leaves; the library's own verdict goes into expected.json.
		last := func(dir string) string { list := names(dir); return filepath.Join(dir, list[len(list)-1]) }
		add("torn", func(dir string) {
			must(written(dir, segmentSize, numbered(1, 20)).Close())
			info, err := os.Stat(last(dir))
			must(err)
			must(os.Truncate(last(dir), info.Size()-3))
		})
		add("zero-tail", func(dir string) {
			must(written(dir, segmentSize, numbered(1, 20)).Close())
			info, err := os.Stat(last(dir))
			must(err)
			must(os.Truncate(last(dir), info.Size()+10))
		})
		add("missing-segment", func(dir string) {
			must(written(dir, segmentSize, numbered(1, 20)).Close())
			must(os.Remove(filepath.Join(dir, names(dir)[1])))
		})
		add("short-segment", func(dir string) {
			must(written(dir, segmentSize, numbered(1, 20)).Close())
			path := filepath.Join(dir, names(dir)[1])
			data, err := os.ReadFile(path)
			must(err)
			must(os.WriteFile(path, data[:len(data)-len(firstOf(data, format))], 0o640))
		})
		add("undone-front", func(dir string) {
			// A power cut takes back the removal of a segment that a truncation removed: the directory was never synced.
			log := written(dir, segmentSize, numbered(1, 20))
			data, err := os.ReadFile(filepath.Join(dir, names(dir)[0]))
			must(err)
			must(log.TruncateFront(3))
			must(log.Close())
			must(os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d", 1)), data, 0o640))
		})
	}
	text, err := json.MarshalIndent(struct {
		Library string           `json:"library"`
		Logs    map[string]found `json:"logs"`
	}{libraryVersion(), all}, "", " ")
	must(err)
	must(os.WriteFile(filepath.Join(root, "expected.json"), append(text, '\n'), 0o644))
}

// firstOf is the first entry of a segment as it stands in the file.
func firstOf(data []byte, format wal.LogFormat) []byte {
	if format == wal.JSON {
		return data[:strings.IndexByte(string(data), '\n')+1]
	}
	return data[:1+int(data[0])]
}

func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		panic("no build information")
	}
	version := info.GoVersion
	for _, dep := range info.Deps {
		if dep.Path == "github.com/tidwall/wal" || dep.Path == "github.com/tidwall/gjson" {
			version = dep.Path + " " + dep.Version + ", " + version
		}
	}
	return version
}

// read opens a copy, because opening may change the directory.
func read(dir string, format wal.LogFormat, size int) (result found) {
	result = found{Format: nameOf(format), SegmentSize: size, Entries: [][]byte{}}
	work, err := os.MkdirTemp("", "tidwall-read")
	must(err)
	defer os.RemoveAll(work)
	copyDir(dir, work)
	before := names(work)
	log, err := wal.Open(work, &wal.Options{SegmentSize: size, LogFormat: format, NoSync: true})
	if errors.Is(err, wal.ErrEmptyLog) {
		log, err = wal.Open(work, &wal.Options{SegmentSize: size, LogFormat: format, NoSync: true, AllowEmpty: true})
	}
	if err != nil {
		result.OpenError = err.Error()
		return result
	}
	defer log.Close()
	if after := names(work); strings.Join(after, " ") != strings.Join(before, " ") {
		result.After = after
	}
	result.FirstIndex, err = log.FirstIndex()
	must(err)
	result.LastIndex, err = log.LastIndex()
	must(err)
	if result.LastIndex == 0 {
		return result
	}
	for index := result.FirstIndex; index <= result.LastIndex; index++ {
		data, err := readEntry(log, index)
		if err != nil {
			result.ReadError = fmt.Sprintf("%d: %v", index, err)
			break
		}
		result.Entries = append(result.Entries, data)
	}
	return result
}

func readEntry(log *wal.Log, index uint64) (data []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return log.Read(index)
}

func names(dir string) []string {
	list, err := os.ReadDir(dir)
	must(err)
	var names []string
	for _, entry := range list {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	sort.Strings(names)
	return names
}

func copyDir(from, to string) {
	must(os.MkdirAll(to, 0o755))
	for _, name := range names(from) {
		data, err := os.ReadFile(filepath.Join(from, name))
		must(err)
		must(os.WriteFile(filepath.Join(to, name), data, 0o640))
	}
}

func appendRandom(dir string, format wal.LogFormat, seed int64) {
	random := rand.New(rand.NewSource(seed))
	log := open(dir, format, 4096, false)
	last, err := log.LastIndex()
	must(err)
	var batch wal.Batch
	for index := last + 1; index <= last+2000; index++ {
		data := make([]byte, 1+random.Intn(300))
		if random.Intn(2) == 0 {
			random.Read(data)
		} else {
			for i := range data {
				data[i] = byte(random.Intn(128))
			}
		}
		batch.Write(index, data)
		if random.Intn(4) == 0 || index == last+2000 {
			must(log.WriteBatch(&batch))
		}
	}
	must(log.Close())
}
