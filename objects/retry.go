// SPDX-License-Identifier: GPL-3.0-or-later

package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/moonfirefs/moonfirefs"
)

const (
	// defaultPatience bounds how long a reader waits for bytes.
	defaultPatience = 30 * time.Second
	// attempts is how many requests fit into that if none is answered.
	attempts = 3
	// firstPause is that before the second attempt; each is twice as long as the one before,
	// up to maxPause.
	firstPause = 100 * time.Millisecond
	maxPause   = 2 * time.Second
	// hurryPatience is that of a program that ends.
	hurryPatience = 2 * time.Second
	// leastBytesPerSecond is how slow a connection may be.
	leastBytesPerSecond = 256 << 10
)

// errNoAnswer is returned where the object store does not answer in time.
var errNoAnswer = errors.New("the object store does not answer")

// errWrongBytes is returned for an answer that is not what was asked for.
var errWrongBytes = errors.New("the object store has returned wrong bytes")

// retry calls do until it succeeds, fails for a reason that does not pass, or has taken too
// long for sizeBytes. what begins the text of the error.
func (b *bucket) retry(ctx context.Context, what string, sizeBytes int64, do func(context.Context) error) error {
	limit, interrupted, err := b.limit(sizeBytes)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	ctx, end := b.within(ctx, interrupted)
	defer end(nil)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	pause, wrong := firstPause, 0
	for {
		err = attempt(ctx, limit/attempts, do)
		b.noted(err)
		b.count(err)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%s: %w", what, meaning(err))
		if isWrong(err) {
			wrong++
		}
		if !passes(err) || wrong == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
		pause = min(2*pause, maxPause)
	}
}

// count counts a request. What was asked for need not be there.
func (b *bucket) count(err error) {
	b.counted.Requests.Add(1)
	if err = meaning(err); unanswered(err) || isWrong(err) {
		b.counted.FailedRequests.Add(1)
	}
}

// within ends ctx when it is interrupted, or when the bucket is closed.
func (b *bucket) within(ctx context.Context, interrupted <-chan struct{}) (context.Context, context.CancelCauseFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-interrupted:
			end(errNoAnswer)
		case <-b.ctx.Done():
			end(context.Canceled)
		case <-ctx.Done():
		}
	}()
	return ctx, end
}

func attempt(ctx context.Context, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	err := do(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errNoAnswer) {
		return errNoAnswer
	}
	return err
}

// meaning makes of an error of the library what it means to others.
func meaning(err error) error {
	response := new(minio.ErrorResponse)
	if !errors.As(err, response) {
		return err
	}
	switch {
	case response.Code == minio.NoSuchBucket:
		return fmt.Errorf("there is no such bucket: %w", errRefused)
	case response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("there is no object %s: %w", response.Key, fs.ErrNotExist)
	case response.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("object %s: %w", response.Key, fs.ErrExist)
	case response.Code == minio.RequestTimeTooSkewed:
		return fmt.Errorf("the object store refuses access, since this machine's clock and its own differ too much: %w", errClock)
	case response.StatusCode == http.StatusForbidden || response.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("the object store refuses access: %w: %w", err, errRefused)
	}
	return err
}

// errClock is returned where the object store takes requests for old, or to come.
var errClock = errors.New("set the clock")

// errRefused is returned where the object store answers that it will not do it.
var errRefused = errors.New("check bucket and credentials")

// passes tells whether another attempt may succeed.
func passes(err error) bool {
	for _, final := range []error{fs.ErrNotExist, fs.ErrExist, errRefused, errClock, errNoCredentials, context.Canceled, moonfirefs.ErrNewer} {
		if errors.Is(err, final) {
			return false
		}
	}
	response := new(minio.ErrorResponse)
	if errors.As(err, response) && response.StatusCode/100 == 4 {
		return response.StatusCode == http.StatusRequestTimeout || response.StatusCode == http.StatusTooManyRequests ||
			response.StatusCode == http.StatusConflict
	}
	return true
}

// isWrong tells whether there was an answer, which cannot be used.
func isWrong(err error) bool {
	return errors.Is(err, errWrongBytes) || errors.Is(err, moonfirefs.ErrCorrupt)
}

// unanswered tells whether an error is none of what was asked for, but of the way there.
func unanswered(err error) bool {
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) && !isWrong(err) && !errors.Is(err, context.Canceled)
}

// readFull reads what was announced.
func readFull(r io.Reader, p []byte) error {
	if n, err := io.ReadFull(r, p); err != nil {
		return fmt.Errorf("the answer ends after %d bytes of %d: %w", n, len(p), err)
	}
	return nil
}
