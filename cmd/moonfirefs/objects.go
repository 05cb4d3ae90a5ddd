// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/moonfirefs/moonfirefs/objects"
)

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
