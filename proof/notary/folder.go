// SPDX-License-Identifier: GPL-3.0-or-later

package notary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aead.dev/minisign"

	"github.com/moonfirefs/moonfirefs"
	"github.com/moonfirefs/moonfirefs/index"
	"github.com/moonfirefs/moonfirefs/internal/civil"
	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// Names in the folder.
const (
	folderName     = "proof"
	secretName     = "secret.key"
	publicName     = "public.key"
	stateName      = "state.json"
	statementsName = "statements"
	leavesName     = "leaves"
)

// PublicKeyName is how the public key is called where others see it.
const PublicKeyName = "proof.pub"

// Folder is where a store's proofs lie. The zero value is not usable.
type Folder struct{ path string }

// FolderOf is that of the store in a directory. It may not exist.
func FolderOf(storePath string) Folder { return Folder{filepath.Join(storePath, folderName)} }

func (f Folder) in(names ...string) string {
	return filepath.Join(append([]string{f.path}, names...)...)
}

// Exists tells whether there is a key, so that recordings are to be proven, or may be one
// that this user cannot see.
func (f Folder) Exists() bool {
	_, err := os.Stat(f.in(secretName))
	return !errors.Is(err, fs.ErrNotExist)
}

// Init makes a key. Recordings whose id is after the given one will be proven. It returns
// an error that wraps moonfirefs.ErrExists if there is a key. If it fails, it leaves no folder
// that it has made.
func (f Folder) Init(after moonfirefs.RecordingID) (minisign.PublicKey, error) {
	fresh := len(durable.MissingOf(f.path)) > 0
	public, err := f.init(after)
	if err != nil && fresh && !f.Exists() { // another process may have made a key meanwhile
		f.Remove()
	}
	if errors.Is(err, fs.ErrExist) {
		err = moonfirefs.Errorf(moonfirefs.ErrExists, "%s already holds a key", f.path)
	}
	if err != nil {
		return minisign.PublicKey{}, fmt.Errorf("make a key for proofs: %w", err)
	}
	return public, nil
}

// Remove removes what Init has made, with which nothing has been proven yet.
func (f Folder) Remove() {
	for _, name := range []string{secretName, publicName, stateName, statementsName, leavesName, ""} {
		_ = os.Remove(f.in(name)) // a directory only if nothing is in it
	}
}

func (f Folder) init(after moonfirefs.RecordingID) (minisign.PublicKey, error) {
	public, secret, err := minisign.GenerateKey(nil)
	if err != nil {
		return public, err
	}
	secretText, err := secret.MarshalText()
	if err != nil {
		return public, err
	}
	publicText, err := public.MarshalText()
	if err != nil {
		return public, err
	}
	for _, name := range []string{"", statementsName, leavesName} {
		if err := durable.MkdirInside(f.in(name)); err != nil {
			return public, err
		}
	}
	if f.Exists() {
		return public, fs.ErrExist
	}
	if err := f.writeState(&state{First: after, After: map[moonfirefs.SampleDirID]moonfirefs.RecordingID{}, Unsigned: []string{}}); err != nil {
		return public, err
	}
	if err := writeFile(f.in(publicName), append(publicText, '\n'), durable.Replace); err != nil {
		return public, err
	}
	// Last, since it is what turns proofs on; and never in the place of another one.
	return public, writeFile(f.in(secretName), append(secretText, '\n'), 0)
}

func writeFile(path string, text []byte, mode durable.Mode) error {
	return durable.Write(path, mode, func(file *os.File) error {
		_, err := file.Write(text)
		return err
	})
}

// maxFileBytes is many times what a key or the state has.
const maxFileBytes = 16 << 20

// secret reads the private key.
func (f Folder) secret() (key minisign.PrivateKey, err error) {
	text, err := durable.ReadSmall(f.in(secretName), maxFileBytes)
	if err == nil {
		err = key.UnmarshalText(text)
	}
	if err != nil {
		return key, fmt.Errorf("read the key for proofs: %w", err)
	}
	return key, nil
}

// PublicKeyText returns the file of the public key, in the form of minisign.
func (f Folder) PublicKeyText() ([]byte, error) {
	text, err := durable.ReadSmall(f.in(publicName), maxFileBytes)
	if err != nil {
		return nil, fmt.Errorf("read the public key for proofs: %w", err)
	}
	return text, nil
}

// state is what must not be forgotten.
type state struct {
	// First is the recording behind which proofs begin, and After, for each sample
	// directory, the one up to which all leaves are made and durable.
	First moonfirefs.RecordingID                            `json:"first"`
	After map[moonfirefs.SampleDirID]moonfirefs.RecordingID `json:"after"`
	// Unsigned are the dates with leaves that are in no statement.
	Unsigned []string `json:"unsigned"`
}

// restored takes back what is ahead of the index, in which a recording is the last one:
// an older index was put in its place, and ids will come again. What has a leaf already is
// passed over by its sample file.
func (s *state) restored(last moonfirefs.RecordingID) {
	for _, after := range s.After {
		if after > last {
			s.First, s.After = min(s.First, last), make(map[moonfirefs.SampleDirID]moonfirefs.RecordingID)
			return
		}
	}
	s.First = min(s.First, last)
}

// LastRecording is the recording of an index that was committed last; 0 if there is none.
func LastRecording(ctx context.Context, db *index.DB) (last moonfirefs.RecordingID, err error) {
	cameras, err := db.Cameras(ctx)
	if err != nil {
		return 0, err
	}
	for i := range cameras {
		for k := range cameras[i].Streams {
			newest, ok, err := db.Newest(ctx, cameras[i].Streams[k].ID)
			if err != nil {
				return 0, err
			}
			if ok {
				last = max(last, newest.ID)
			}
		}
	}
	return last, nil
}

func (f Folder) readState() (*state, error) {
	text, err := durable.ReadSmall(f.in(stateName), maxFileBytes)
	if err != nil {
		return nil, err
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.in(stateName), err)
	}
	return s, nil
}

func (f Folder) writeState(s *state) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return writeFile(f.in(stateName), append(text, '\n'), durable.Replace)
}

// statementFiles lists the names of all statements by number, or those of one date.
func (f Folder) statementFiles(date string) (names []string, err error) {
	entries, err := os.ReadDir(f.in(statementsName))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), statementSuffix)
		if ok && (date == "" || strings.HasSuffix(name, "."+date)) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

const statementSuffix = ".json"

func statementName(number int, date string) string {
	return fmt.Sprintf("%08d.%s%s", number, date, statementSuffix)
}

// dates lists those of which there are leaves.
func (f Folder) dates() (dates []civil.Date, err error) {
	entries, err := os.ReadDir(f.in(leavesName))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if d, ok := civil.ParseDate(e.Name()); ok {
			dates = append(dates, d)
		}
	}
	return dates, nil
}
