// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aead.dev/minisign"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/internal/test/objectstore"
	"github.com/moonfirefs/moonfirefs/internal/test/teststore"
	"github.com/moonfirefs/moonfirefs/internal/test/wait"
	"github.com/moonfirefs/moonfirefs/proof"
)

// yardMedia is what recordYard records.
func yardMedia() *teststore.Media {
	return teststore.MadeUp(teststore.Params{Width: 64, Height: 48, FPS: 5, Seconds: 30}, 300)
}

// tampered is an export and its proof, in files that each test changes and hands to verify.
type tampered struct {
	data, proof []byte
	key         string
}

// at changes the byte that lies n bytes after a text.
func (e *tampered) at(text string, n int) {
	e.data[bytes.Index(e.data, []byte(text))+len(text)+n] ^= 1
}

// group is the part of the file that has the pictures of a second.
func (e *tampered) group(second int) []byte {
	samples := yardMedia().Samples[5*second : 5*second+5]
	from := bytes.Index(e.data, samples[0].Data)
	return e.data[from : from+5*len(samples[0].Data)]
}

// edit changes the proof.
func (e *tampered) edit(change func(*proof.Document)) {
	d, err := proof.Decode(bytes.NewReader(e.proof))
	if err == nil {
		change(d)
		e.proof, err = d.Encode()
	}
	if err != nil {
		panic(err)
	}
}

func (e *tampered) leaf(change func(*proof.Leaf)) {
	e.edit(func(d *proof.Document) { change(d.Sections[0].Leaves[0].Leaf) })
}

// tamperings are what somebody may do to an export. That each kind is told by its name is
// tested by package verify.
var tamperings = map[string]func(*tampered){
	"a picture":            func(e *tampered) { e.group(7)[2*300+9] ^= 1 },
	"a key frame":          func(e *tampered) { e.group(6)[5] ^= 1 },
	"a time of day":        func(e *tampered) { e.at("2026-11-22 13:10:0", 0) },
	"the title":            func(e *tampered) { e.at("yard 2026-11-2", 0) },
	"the date of the file": func(e *tampered) { e.at("mvhd", 11) },
	"a duration":           func(e *tampered) { e.at("stts", 15) },
	"a size":               func(e *tampered) { e.at("stsz", 27) },
	"a key frame's number": func(e *tampered) { e.at("stss", 11) },
	"a chunk's place":      func(e *tampered) { e.at("co64", 15) },
	"the codec":            func(e *tampered) { e.at("avc1", 24) },
	"the end cut off":      func(e *tampered) { e.data = e.data[:len(e.data)-1000] },
	"a byte appended":      func(e *tampered) { e.data = append(e.data, 0) },
	"a second cut out": func(e *tampered) {
		group := e.group(8)
		from := bytes.Index(e.data, group)
		e.data = slices.Delete(e.data, from, from+len(group))
	},
	"a second blackened": func(e *tampered) { clear(e.group(8)) },
	"two seconds exchanged": func(e *tampered) {
		first, second := e.group(8), e.group(9)
		kept := bytes.Clone(first)
		copy(first, second)
		copy(second, kept)
	},
	"another's key": func(e *tampered) {
		public, _, err := minisign.GenerateKey(nil)
		if err != nil {
			panic(err)
		}
		e.key = public.String()
	},
	"another date": func(e *tampered) {
		e.edit(func(d *proof.Document) {
			d.Sections[0].Text = strings.Replace(d.Sections[0].Text, `"2026-11-22"`, `"2026-11-21"`, 1)
		})
	},
	"another hour":         func(e *tampered) { e.leaf(func(l *proof.Leaf) { l.Start90k = l.Start90k.Add(moonfirefs.Hour90k) }) },
	"another camera":       func(e *tampered) { e.leaf(func(l *proof.Leaf) { l.Name = "gate" }) },
	"another store":        func(e *tampered) { e.leaf(func(l *proof.Leaf) { l.Store[0] ^= 1 }) },
	"a recording left out": func(e *tampered) { e.edit(func(d *proof.Document) { d.Sections[0].Leaves = d.Sections[0].Leaves[:1] }) },
	"another interval": func(e *tampered) {
		e.edit(func(d *proof.Document) { d.File.Start90k = d.File.Start90k.Add(moonfirefs.UnitsPerSecond) })
	},
}

// requireTamperingsFound requires that verify accepts an export, and after none of the
// tamperings.
func requireTamperingsFound(t *testing.T, exported, key string) {
	t.Helper()
	requireOutput(t, exitOK, []string{"UNCHANGED"}, "verify", exported, "--key", key)
	data, err := os.ReadFile(exported)
	mustDo(t, err)
	text, err := os.ReadFile(strings.TrimSuffix(exported, ".mp4") + ".proof.json")
	mustDo(t, err)
	for name, tamper := range tamperings {
		e := &tampered{bytes.Clone(data), bytes.Clone(text), key}
		tamper(e)
		film := filepath.Join(t.TempDir(), "film.mp4")
		mustDo(t, os.WriteFile(film, e.data, 0o600))
		mustDo(t, os.WriteFile(strings.TrimSuffix(film, ".mp4")+".proof.json", e.proof, 0o600))
		if output, status := run(t, "verify", film, "--key", e.key); status != exitFailure || strings.Contains(output, "UNCHANGED") {
			t.Errorf("%s: status %d, %s", name, status, output)
		}
	}
}

// TestProofOfBucket ensures that footage which has moved to a bucket has the proof that it had
// before, also after a restart, and that each of twenty tamperings with an export of it is found.
func TestProofOfBucket(t *testing.T) {
	t.Parallel()
	path, elsewhere, bucket := filepath.Join(t.TempDir(), "store"), t.TempDir(), objectstore.Start(t)
	mustDo(t, teststore.Create(t.Context(), path, "Europe/Zurich", teststore.Camera{Name: "yard", RetainBytes: 1 << 40}))
	key := lastField(mustRun(t, "proof", "init", "--store", path))
	recordYard(t, path)
	mountpoint := newMountpoint(t)
	recorder := start(t, "run", mountpoint, "--store", path)
	recorder.saw("signed a day")
	recorder.stop()
	export := func(name string) string {
		file := filepath.Join(elsewhere, name+".mp4")
		requireOutput(t, exitOK, []string{name + ".proof.json"}, "export", "yard", "2026-11-22T13:10:05", "13:10:33", "-o", file, "--store", path)
		return file
	}
	before := export("before")

	mustRun(t, "dir", "add", "--s3", bucket.URL, "--credentials", objectstore.Credentials(t), "--store", path)
	mustRun(t, "tier", "add", "yard", "--to", bucket.URL, "--after", "10m", "--retain", "1GB", "--store", path)
	for range 2 { // the second time, after everything has moved
		recorder = start(t, "run", mountpoint, "--store", path)
		wait.Until(t, "all footage to move", func() bool { return sampleFiles(t, filepath.Join(path, "samples")) == 0 })
		hour := filepath.Join(mountpoint, "yard", "2026-11-22", "13.mp4")
		wait.Until(t, "the mount, and the bucket to answer", func() bool { _, err := os.ReadFile(hour); return err == nil })
		requireOutput(t, exitOK, []string{"UNCHANGED"}, "verify", hour, "--key", key)
		recorder.stop()
	}

	after := export("after")
	for _, suffix := range []string{".mp4", ".proof.json"} {
		want, err := os.ReadFile(strings.TrimSuffix(before, ".mp4") + suffix)
		mustDo(t, err)
		got, err := os.ReadFile(strings.TrimSuffix(after, ".mp4") + suffix)
		mustDo(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("after the move, the export's %s differs", suffix)
		}
	}
	requireTamperingsFound(t, after, key)
}
