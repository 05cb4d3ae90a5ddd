// SPDX-License-Identifier: GPL-3.0-or-later

package sample

import (
	"errors"
	"io/fs"
	"os"

	"github.com/google/uuid"
)

// ErrForgotten is returned when a sample file is complete and has no journal any
// more, although its name is still reserved: it was committed, and the index has
// lost that.
var ErrForgotten = errors.New("the file is complete and was committed, but the index has forgotten it")

// sealedMode is that of a sample file that is complete. A file is sealed before its
// recording is committed, and its journal is removed afterwards; so one that is
// sealed, has no journal, and is not a recording shows that the index has lost
// commits.
const sealedMode os.FileMode = 0o400

// unseal makes a file one that is not complete, or is on its way out. Where that
// fails, what follows fails as well, or matters more.
func (d *Dir) unseal(name uuid.UUID) {
	info, err := d.lstatAt(name.String())
	if err != nil || !info.Mode().IsRegular() {
		return // through a link, another file would be unsealed
	}
	if info.Mode().Perm() != sealedMode {
		return // it may be somebody else's as well; see Link
	}
	if p, err := d.at(); err == nil {
		_ = p.Chmod(name.String(), 0o600)
	}
}

// Seal makes a file that was committed unsealed a sealed one; see CopyFrom.
func (d *Dir) Seal(name uuid.UUID) error {
	p, err := d.at()
	if err != nil {
		return err
	}
	return p.Chmod(name.String(), sealedMode)
}

// Forgotten tells of a file whose name is reserved for writing whether it is
// complete and has no journal; see ErrForgotten.
func (d *Dir) Forgotten(name uuid.UUID) bool {
	info, err := d.lstatAt(name.String())
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != sealedMode {
		return false
	}
	_, err = d.lstatAt(journalName(name))
	return errors.Is(err, fs.ErrNotExist)
}
