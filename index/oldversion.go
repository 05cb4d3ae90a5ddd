// SPDX-License-Identifier: GPL-3.0-or-later

package index

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"

	"github.com/moonfirefs/moonfirefs"
)

// oldVersion is what this program knows of an older version of the schema; see
// design/migrations.md. What was released is never changed again, but for views.
type oldVersion struct {
	// digest is that of its schema; see schema.digest.
	digest string
	// toNext makes a database of the next version of one of this version.
	toNext func(context.Context, *sql.Tx) error
	// views is SQL that makes temporary views, with which a connection that only reads
	// sees a database of this version as one of the current version.
	views string
}

// oldVersions are all that there were, from that of commit 59032b4.
var oldVersions = map[int]oldVersion{
	1: {
		digest: "99460debe326728ecb3969bdf7f88f2c4af86541b59332ce5e3e10d75e03213c",
		toNext: script(from1to2), views: views1,
	},
	2: {
		digest: "1ea029dcfb0eebeef89c486778197e47a99329bc14b8ba313f9001747cd61c7c",
		toNext: script(from2to3), views: views2,
	},
	3: {
		digest: "64ed16141ca01feca9041d186ca105dd31aee6fc50d46a79aeca06ccf4e2317a",
		toNext: script(from3to4), views: views3,
	},
	4: {
		digest: "653707f663712423233d8cb0578262ea44321b794c994a468ef50903ff523375",
		toNext: script(from4to5), views: views4,
	},
	5: {
		digest: "c958976bf0f394afd22920be7cfd5233bc3af481dadfb5ce907a4b966d16b503",
		toNext: script(from5to6), views: views5,
	},
	6: {
		digest: "f2ff2ebc4f14f4c67dc36b2150accf4ede2008ca67d1cee48b052ecc5667596b",
		toNext: script(from6to7), views: views6,
	},
	7: {
		digest: "e295212b1ef726463f35e34716ba5fdf7cde68312a49d4a617d5044d04862d49",
		toNext: toDays, views: views7,
	},
}

var (
	//go:embed versions/1-to-2.sql
	from1to2 string
	//go:embed versions/1-views.sql
	views1 string
	//go:embed versions/2-to-3.sql
	from2to3 string
	//go:embed versions/2-views.sql
	views2 string
	//go:embed versions/3-to-4.sql
	from3to4 string
	//go:embed versions/3-views.sql
	views3 string
	//go:embed versions/4-to-5.sql
	from4to5 string
	//go:embed versions/4-views.sql
	views4 string
	//go:embed versions/5-to-6.sql
	from5to6 string
	//go:embed versions/5-views.sql
	views5 string
	//go:embed versions/6-to-7.sql
	from6to7 string
	//go:embed versions/6-views.sql
	views6 string
	//go:embed versions/7-to-8.sql
	from7to8 string
	//go:embed versions/7-views.sql
	views7 string
)

// script is a migration that is nothing but SQL.
func script(text string) func(context.Context, *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, text)
		return err
	}
}

// toDays packs the days after its SQL.
func toDays(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, from7to8); err != nil {
		return err
	}
	var zone string
	if err := tx.QueryRowContext(ctx, `select time_zone from meta`).Scan(&zone); err != nil {
		return err
	}
	c, ok := calendarOf(zone)
	if !ok {
		return nil
	}
	streams, err := streamIDs(ctx, tx)
	for _, stream := range streams {
		for from, ok := minHour, true; ok && err == nil; {
			from, ok, err = packDays(ctx, tx, c, stream, from)
		}
	}
	return err
}

// checkVersion refuses a version that this program does not know.
func checkVersion(version int) error {
	if version > moonfirefs.SchemaVersion {
		return fmt.Errorf("its schema has version %d, this program knows versions up to %d: %w",
			version, moonfirefs.SchemaVersion, moonfirefs.ErrNewer)
	}
	if _, ok := oldVersions[version]; !ok && version != moonfirefs.SchemaVersion {
		return fmt.Errorf("its schema has version %d: %w", version, moonfirefs.ErrForeign)
	}
	return nil
}

// querier is a transaction, a connection, or a pool of connections.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readVersion(ctx context.Context, db querier) (version int, err error) {
	err = db.QueryRowContext(ctx, `pragma user_version`).Scan(&version)
	return version, err
}
