// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/moonfirefs/moonfirefs/internal/stores"
	"github.com/moonfirefs/moonfirefs/objects"
)

// objectCacheBounds are for what is read from buckets.
var objectCacheBounds = sizeBounds{16 << 20, 1 << 50, "10GB"}

// objectCacheName is the folder within the directory of a store.
const objectCacheName = "object-cache"

// objectCacheFlags say how what is read from buckets is kept.
type objectCacheFlags struct{ objectCache, objectCacheDir string }

func (f *objectCacheFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.objectCache, "object-cache", "", "disk space for footage that was read from buckets, such as 10GB; none by default")
	cmd.Flags().StringVar(&f.objectCacheDir, "object-cache-dir", "", "directory for that; by default, \"object-cache\" in the directory of the store")
}

// openCache has what is read from buckets kept on a disk, if that is wanted, until it is
// closed. A cache that cannot be used is no reason not to record.
func (f *objectCacheFlags) openCache(store string, log *slog.Logger) (closeCache func(), err error) {
	if f.objectCache == "" {
		if f.objectCacheDir != "" {
			return nil, &usageError{errors.New("--object-cache-dir is for --object-cache: give a size")}
		}
		return func() {}, nil
	}
	sizeBytes, err := parseSize("--object-cache", f.objectCache, objectCacheBounds)
	if err != nil {
		return nil, err
	}
	cache, err := objects.OpenCache(cmp.Or(f.objectCacheDir, filepath.Join(store, objectCacheName)), sizeBytes, log)
	if err != nil {
		log.Error("what is read from buckets is not kept on a disk", "err", err)
		return func() {}, nil
	}
	objects.Register(objects.Options{Cache: cache})
	return func() { closing(log, cache) }, nil
}

// openCacheOf is openCache for several stores, which is in the first one that was given.
func (f *objectCacheFlags) openCacheOf(given []stores.Place, log *slog.Logger) (closeCache func(), err error) {
	if len(given) > 0 {
		return f.openCache(given[0].Path, log)
	}
	if f.objectCache != "" && f.objectCacheDir == "" {
		return nil, &usageError{errors.New("--object-cache with --stores needs --object-cache-dir")}
	}
	return f.openCache("", log)
}

// useBuckets has directories of stores lie in buckets.
func useBuckets() { objects.Register(objects.Options{}) }

// bucketURL is what a store remembers of a directory in a bucket, which must answer.
func bucketURL(ctx context.Context, url, credentials string) (string, error) {
	if credentials != "" {
		absolute, err := filepath.Abs(credentials)
		if err != nil {
			return "", fmt.Errorf("--credentials %s: %w", credentials, err)
		}
		if err := objects.CheckCredentials(absolute); err != nil {
			return "", err
		}
		credentials = absolute
	}
	return objects.Locate(ctx, url, credentials, objects.Options{})
}
