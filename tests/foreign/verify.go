// tests/foreign/verify.go: verifies an audit log and proofs of it with Go's sumdb packages, which
// share no code with ours.
//
// usage: verify DIR THRESHOLD, or verify NOTE KEYS THRESHOLD
//
// DIR is what foreign_log writes, or keys and log (an export), perhaps with proof-N, and
// old-checkpoint, whose tree is then shown to be the log's beginning. NOTE is a signed note, of
// which so many of KEYS have to have signed. Exit 0: all is what it says; 1: it is not, with the file.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height        = 8
	width         = 1 << height
	algCosigner   = 4
	timestampSize = 8
)

// cosigner is a note.Verifier of type 4 (tlog-cosignature), which the package does not have.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != timestampSize+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(sig)
	text := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), msg...)
	return ed25519.Verify(c.key, text, sig[timestampSize:])
}

type keys struct {
	verifiers note.Verifiers
	log       string // Its name, which is the origin.
	witnesses int
}

func readKeys(path string) (keys, error) {
	var k keys
	var list []note.Verifier
	data, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	for _, vkey := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if v, err := note.NewVerifier(vkey); err == nil {
			list = append(list, v)
			k.log = v.Name()
			continue
		}
		parts := strings.SplitN(vkey, "+", 3)
		if len(parts) != 3 {
			return k, fmt.Errorf("%s: not a key: %q", path, vkey)
		}
		hash, err := strconv.ParseUint(parts[1], 16, 32)
		if err != nil {
			return k, err
		}
		key, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != algCosigner {
			return k, fmt.Errorf("%s: not a cosigner: %q", path, vkey)
		}
		list = append(list, &cosigner{parts[0], uint32(hash), key[1:]})
		k.witnesses++
	}
	k.verifiers = note.VerifierList(list...)
	return k, nil
}

// openCheckpoint returns the tree that a signed checkpoint speaks of.
func openCheckpoint(data []byte, k keys, threshold int) (tlog.Tree, error) {
	var tree tlog.Tree
	n, err := note.Open(data, k.verifiers)
	if err != nil {
		return tree, err
	}
	logs, witnesses := 0, 0
	for _, s := range n.Sigs {
		// The package takes base64 whose last bits are not zero: the bytes are then not those
		// that were signed for, though the signature is.
		if raw, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil || len(raw) < 4 {
			return tree, errors.New("a signature is not in its one form")
		}
		if s.Name == k.log {
			logs++
		} else {
			witnesses++
		}
	}
	if logs < threshold || witnesses < k.witnesses {
		return tree, fmt.Errorf("%d keys of the log and %d witnesses", logs, witnesses)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != k.log {
		return tree, errors.New("not three lines")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// path of a tile as tlog-tiles has it: the package's without the height.
func path(t tlog.Tile) string {
	p := strings.TrimPrefix(t.Path(), "tile/8/")
	return "tile/" + strings.Replace(p, "data/", "entries/", 1)
}

// tiles is a tlog.TileReader of a directory.
type tiles string

func (d tiles) Height() int                         { return height }
func (d tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (d tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range list {
		data, err := os.ReadFile(filepath.Join(string(d), path(t)))
		if err != nil {
			return nil, err
		}
		if len(data) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: %d bytes", path(t), len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

// entries of the whole log, from its bundles.
func entries(dir string, size int64) ([][]byte, error) {
	var all [][]byte
	for n := int64(0); n*width < size; n++ {
		t := tlog.Tile{H: height, L: -1, N: n, W: width}
		if size-n*width < width {
			t.W = int(size - n*width)
		}
		data, err := os.ReadFile(filepath.Join(dir, path(t)))
		if err != nil {
			return nil, err
		}
		for i := 0; i < t.W; i++ {
			if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("%s: entry %d is cut short", path(t), i)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:end])
			data = data[end:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("%s: bytes behind the last entry", path(t))
		}
	}
	return all, nil
}

// verifyLog: the root from the entries, and each tile beside what they make.
func verifyLog(dir string, tree tlog.Tree, all [][]byte) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var hashes []tlog.Hash
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for i, entry := range all {
		hashes, err := tlog.StoredHashes(int64(i), entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil || root != tree.Hash {
		return fmt.Errorf("the entries have another root: %v %v", root, err)
	}
	for level := 0; tree.N>>(height*level) > 0; level++ {
		if err := verifyLevel(dir, level, tree.N>>(height*level), reader); err != nil {
			return err
		}
	}
	return nil
}

// verifyLevel: its tiles, of so many hashes together, are what the package makes of the entries.
func verifyLevel(dir string, level int, hashes int64, reader tlog.HashReader) error {
	for n := int64(0); n*width < hashes; n++ {
		t := tlog.Tile{H: height, L: level, N: n, W: width}
		if hashes-n*width < width {
			t.W = int(hashes - n*width)
		}
		expected, err := tlog.ReadTileData(t, reader)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path(t)))
		if err != nil || !bytes.Equal(data, expected) {
			return fmt.Errorf("%s: not the hashes of what is below (%v)", path(t), err)
		}
	}
	return nil
}

// takeHashes takes the lines of a proof and the empty one behind them.
func takeHashes(text string) ([]tlog.Hash, string, error) {
	var hashes []tlog.Hash
	for {
		end := strings.Index(text, "\n")
		if end < 0 {
			return nil, "", errors.New("a proof does not end")
		}
		line := text[:end]
		text = text[end+1:]
		if line == "" {
			return hashes, text, nil
		}
		h, err := tlog.ParseHash(line)
		if err != nil {
			return nil, "", err
		}
		hashes = append(hashes, h)
	}
}

// takeNumber takes a line "word N".
func takeNumber(text, word string) (int64, string, error) {
	end := strings.Index(text, "\n")
	if end < 0 || !strings.HasPrefix(text, word+" ") {
		return 0, "", fmt.Errorf("no line %q", word)
	}
	n, err := strconv.ParseInt(text[len(word)+1:end], 10, 64)
	return n, text[end+1:], err
}

// verifyProof: a leaf by its tlog-proof, and the one that the package makes of our tiles.
func verifyProof(name string, k keys, threshold int, dir string, all [][]byte) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	const header = "c2sp.org/tlog-proof@v1\n"
	if !strings.HasPrefix(string(data), header) {
		return errors.New("not a proof")
	}
	index, rest, err := takeNumber(string(data)[len(header):], "index")
	if err != nil {
		return err
	}
	hashes, rest, err := takeHashes(rest)
	if err != nil {
		return err
	}
	tree, err := openCheckpoint([]byte(rest), k, threshold)
	if err != nil {
		return err
	}
	if index >= int64(len(all)) {
		return errors.New("no such leaf")
	}
	leaf := tlog.RecordHash(all[index])
	if err := tlog.CheckRecord(hashes, tree.N, tree.Hash, index, leaf); err != nil {
		return err
	}
	theirs, err := tlog.ProveRecord(tree.N, index, tlog.TileHashReader(tree, tiles(dir)))
	if err != nil {
		return err
	}
	if len(theirs) != len(hashes) {
		return errors.New("another proof than the package makes")
	}
	return tlog.CheckRecord(theirs, tree.N, tree.Hash, index, leaf)
}

// verifyOld: old-checkpoint is the beginning of the log, by a proof that the package makes.
func verifyOld(dir string, k keys, threshold int, tree tlog.Tree) error {
	data, err := os.ReadFile(filepath.Join(dir, "old-checkpoint"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	old, err := openCheckpoint(data, k, threshold)
	if err != nil {
		return err
	}
	proof, err := tlog.ProveTree(tree.N, old.N,
		tlog.TileHashReader(tree, tiles(filepath.Join(dir, "log"))))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// verifyRequest: the consistency proof to a witness that has seen old-checkpoint.
func verifyRequest(dir string, k keys, threshold int) error {
	data, err := os.ReadFile(filepath.Join(dir, "old-checkpoint"))
	if err != nil {
		return err
	}
	old, err := openCheckpoint(data, k, threshold)
	if err != nil {
		return fmt.Errorf("old-checkpoint: %w", err)
	}
	if data, err = os.ReadFile(filepath.Join(dir, "request")); err != nil {
		return err
	}
	size, rest, err := takeNumber(string(data), "old")
	if err != nil {
		return err
	}
	hashes, rest, err := takeHashes(rest)
	if err != nil {
		return err
	}
	tree, err := openCheckpoint([]byte(rest), k, threshold)
	if err != nil {
		return err
	}
	if size != old.N {
		return errors.New("of another old size")
	}
	return tlog.CheckTree(hashes, tree.N, tree.Hash, old.N, old.Hash)
}

func verify(dir string, threshold int) error {
	k, err := readKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return err
	}
	log := filepath.Join(dir, "log")
	data, err := os.ReadFile(filepath.Join(log, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(data, k, threshold)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	all, err := entries(log, tree.N)
	if err != nil {
		return err
	}
	if err := verifyLog(log, tree, all); err != nil {
		return err
	}
	proofs, err := filepath.Glob(filepath.Join(dir, "proof-*"))
	if err != nil {
		return err
	}
	sort.Strings(proofs)
	for _, name := range proofs {
		if err := verifyProof(name, k, threshold, log, all); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	if err := verifyOld(dir, k, threshold, tree); err != nil {
		return fmt.Errorf("old-checkpoint: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "request")); err == nil {
		if err := verifyRequest(dir, k, threshold); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	fmt.Printf("%s: %d entries, %d proofs\n", k.log, tree.N, len(proofs))
	return nil
}

// verifyNote: so many of the keys have signed it.
func verifyNote(name, keyFile string, threshold int) error {
	k, err := readKeys(keyFile)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	n, err := note.Open(data, k.verifiers)
	if err != nil {
		return err
	}
	if len(n.Sigs) < threshold {
		return fmt.Errorf("%d keys signed it", len(n.Sigs))
	}
	fmt.Printf("%s: %d keys\n", filepath.Base(name), len(n.Sigs))
	return nil
}

func main() {
	threshold := 0
	if len(os.Args) == 3 || len(os.Args) == 4 {
		threshold, _ = strconv.Atoi(os.Args[len(os.Args)-1])
	}
	if threshold <= 0 {
		fmt.Fprintln(os.Stderr, "usage: verify DIR THRESHOLD | verify NOTE KEYS THRESHOLD")
		os.Exit(2)
	}
	var err error
	if len(os.Args) == 4 {
		err = verifyNote(os.Args[1], os.Args[2], threshold)
	} else {
		err = verify(os.Args[1], threshold)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}
