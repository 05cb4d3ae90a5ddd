// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"errors"
	"log/slog"
	"os"
	"syscall"

	"github.com/moonfirefs/moonfirefs/internal/durable"
)

// A database in WAL mode cannot even be read where its WAL and the shared memory
// beside it cannot be made. On a full disk, nobody would see any footage. (On file
// systems with small blocks, SQLite does not fail then: it touches a page of a mapped
// file that cannot be allocated, and SIGBUS ends the process.) So a file that holds
// nothing lies beside the database, and makes room for them when it has to.
const (
	roomSuffix = "-room"
	roomBytes  = 1 << 20
	// enoughRoomBytes is what opening needs, with a few commits.
	enoughRoomBytes = 64 << 10
	// plentyBytes are needed to make it while the database is in use.
	plentyBytes = 8 << 20
)

// makeRoom removes the file if there is not enough room to open the database.
func makeRoom(path string, log *slog.Logger) {
	free, err := durable.FreeBytes(path)
	if err != nil || free >= enoughRoomBytes {
		return
	}
	if err := os.Remove(path + roomSuffix); err == nil {
		log.Warn("the disk of the index is full; some room that was kept for this is used", "database", path)
	}
}

// keepRoom makes the file, as large as can be, if there is none.
func keepRoom(path string) {
	f, err := os.OpenFile(path+roomSuffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return // it is there, or there is nothing to be done
	}
	_ = durable.AdoptFile(f) // its owner can remove it in any case
	for size := int64(roomBytes); ; size /= 2 {
		err = syscall.Fallocate(int(f.Fd()), 0, 0, size)
		if err == nil || size <= enoughRoomBytes || !errors.Is(err, syscall.ENOSPC) {
			break
		}
	}
	_ = f.Close() // nothing was written
	if err != nil {
		_ = os.Remove(path + roomSuffix)
	}
}
