// SPDX-License-Identifier: GPL-3.0-or-later

package moonfirefs

import "github.com/google/uuid"

// Opening is a time that the store was open for writing: a row of table open.
// Each sample directory keeps the last one that it took part in, which shows
// whether index and directory are of the same time.
type Opening struct {
	ID   OpenID
	UUID uuid.UUID
	// Ended says that the store was closed in order.
	Ended bool
}
