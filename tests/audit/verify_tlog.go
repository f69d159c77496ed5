// Verifies an export of Gatehouse's audit log with Go's own implementation of transparency logs and signed notes.
//
//	verify_tlog -key NAME+ID+KEY [FILE...]
//
// Without files it reads standard input. The key comes from whoever runs the log, never from the export. The format is
// described in docs/formats/audit-log.md. Exit codes: 0 everything holds, 1 something does not, 2 wrong usage.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const lineBytesMax = 2 << 20

type head struct {
	Version     int    `json:"gatehouse_audit_export"`
	Origin      string `json:"origin"`
	VerifierKey string `json:"verifier_key"`
}

type checkpointLine struct {
	Checkpoint  string   `json:"checkpoint"`
	Consistency []string `json:"consistency"`
}

type recordLine struct {
	Index     int64           `json:"index"`
	Inclusion []string        `json:"inclusion"`
	Record    json.RawMessage `json:"record"`
}

// decode reads a line into value and refuses every other spelling of it: one export, one sequence of bytes.
func decode(line []byte, value interface{}) error {
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil {
		return err
	}
	var again bytes.Buffer
	encoder := json.NewEncoder(&again)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	if !bytes.Equal(bytes.TrimSuffix(again.Bytes(), []byte("\n")), line) {
		return errors.New("not written as the format wants it")
	}
	return nil
}

func parseHash(text string) (hash tlog.Hash, err error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && len(raw) != len(hash) {
		err = errors.New("a hash has 32 bytes")
	}
	copy(hash[:], raw)
	return hash, err
}

func parseHashes(texts []string) (hashes []tlog.Hash, err error) {
	if texts == nil {
		return nil, errors.New("a proof without hashes is written []")
	}
	for _, text := range texts {
		hash, err := parseHash(text)
		if err != nil {
			return nil, err
		}
		hashes = append(hashes, hash)
	}
	return hashes, nil
}

// openCheckpoint checks the signature and reads origin, size and root; further lines are the log's own business.
func openCheckpoint(message string, key note.Verifier) (tree tlog.Tree, err error) {
	opened, err := note.Open([]byte(message), note.VerifierList(key))
	if err != nil {
		return tree, err
	}
	for _, signature := range opened.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return tree, err
		}
	}
	lines := strings.SplitN(opened.Text, "\n", 4)
	if len(lines) != 4 || lines[0] != key.Name() {
		return tree, errors.New("not a checkpoint of the log that the key is named after")
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || tree.N < 0 || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, errors.New("the size is no number")
	}
	tree.Hash, err = parseHash(lines[2])
	return tree, err
}

// verifier walks through one export.
type verifier struct {
	key     note.Verifier
	keyText string
	trees   []tlog.Tree // of the checkpoints, from the oldest to the newest
	records int64
	last    int64       // index of the last record
	whole   bool        // every record from the first one so far
	hashes  []tlog.Hash // of the whole tree, as tlog.StoredHashes lays them out
}

func (v *verifier) newest() tlog.Tree { return v.trees[len(v.trees)-1] }

func (v *verifier) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		if index >= int64(len(v.hashes)) {
			return nil, errors.New("the tree is not that large")
		}
		hashes = append(hashes, v.hashes[index])
	}
	return hashes, nil
}

func (v *verifier) head(line []byte) error {
	var h head
	if err := decode(line, &h); err != nil {
		return err
	}
	if h.Version != 1 || h.Origin != v.key.Name() || h.VerifierKey != v.keyText {
		return errors.New("an export of another version or of another log than the key's")
	}
	return nil
}

func (v *verifier) checkpoint(line []byte) error {
	var c checkpointLine
	if err := decode(line, &c); err != nil {
		return err
	}
	tree, err := openCheckpoint(c.Checkpoint, v.key)
	if err != nil {
		return err
	}
	proof, err := parseHashes(c.Consistency)
	if err != nil {
		return err
	}
	if tree.N == 0 && tree.Hash != tlog.Hash(sha256.Sum256(nil)) {
		return errors.New("not the root of an empty tree")
	}
	if len(v.trees) == 0 || v.newest().N == 0 {
		if len(proof) != 0 {
			return errors.New("a proof of nothing")
		}
	} else if err := tlog.CheckTree(proof, tree.N, tree.Hash, v.newest().N, v.newest().Hash); err != nil {
		return err
	}
	v.trees = append(v.trees, tree)
	return nil
}

func (v *verifier) record(line []byte) error {
	var r recordLine
	if err := decode(line, &r); err != nil {
		return err
	}
	proof, err := parseHashes(r.Inclusion)
	if err != nil {
		return err
	}
	if len(v.trees) == 0 || (v.records > 0 && r.Index <= v.last) {
		return errors.New("records come after the checkpoints, with rising indices")
	}
	hash := tlog.RecordHash(r.Record)
	if err := tlog.CheckRecord(proof, v.newest().N, v.newest().Hash, r.Index, hash); err != nil {
		return err
	}
	v.whole = v.whole && r.Index == v.records
	if v.whole {
		hashes, err := tlog.StoredHashesForRecordHash(r.Index, hash, v)
		if err != nil {
			return err
		}
		v.hashes = append(v.hashes, hashes...)
	}
	v.last = r.Index
	v.records++
	return nil
}

// end computes every root anew where all records are there.
func (v *verifier) end() (string, error) {
	if len(v.trees) == 0 {
		return "", errors.New("no checkpoint: nothing is proven")
	}
	size := v.newest().N
	if v.records != size {
		return fmt.Sprintf("%d of %d records, %d checkpoints: all hold", v.records, size, len(v.trees)), nil
	}
	for _, tree := range v.trees {
		if tree.N == 0 {
			continue
		}
		root, err := tlog.TreeHash(tree.N, v)
		if err != nil {
			return "", err
		}
		if root != tree.Hash {
			return "", fmt.Errorf("the records do not make the root of the checkpoint of size %d", tree.N)
		}
	}
	return fmt.Sprintf("all %d records, %d checkpoints: all hold, and every root was computed anew", size,
		len(v.trees)), nil
}

func (v *verifier) line(number int, line []byte) error {
	switch {
	case number == 1:
		return v.head(line)
	case v.records == 0 && bytes.HasPrefix(line, []byte(`{"checkpoint":`)):
		return v.checkpoint(line)
	default:
		return v.record(line)
	}
}

func verify(in io.Reader, keyText string) (string, error) {
	key, err := note.NewVerifier(keyText)
	if err != nil {
		return "", err
	}
	v := &verifier{key: key, keyText: keyText, whole: true}
	reader := bufio.NewReaderSize(in, lineBytesMax)
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return v.end()
		}
		if err != nil {
			return "", fmt.Errorf("line %d: too long, or its newline is missing: %v", number, err)
		}
		if err := v.line(number, line[:len(line)-1]); err != nil {
			return "", fmt.Errorf("line %d: %v", number, err)
		}
	}
}

func main() {
	key := flag.String("key", "", "verifier key of the log, NAME+ID+KEY")
	flag.Parse()
	if *key == "" {
		flag.Usage()
		os.Exit(2)
	}
	files := flag.Args()
	if len(files) == 0 {
		files = []string{"/dev/stdin"}
	}
	status := 0
	for _, name := range files {
		file, err := os.Open(name)
		if err == nil {
			var verdict string
			verdict, err = verify(file, *key)
			file.Close()
			if err == nil {
				fmt.Printf("%s: %s\n", name, verdict)
			}
		}
		if err != nil {
			fmt.Printf("%s: REFUSED: %v\n", name, err)
			status = 1
		}
	}
	os.Exit(status)
}
