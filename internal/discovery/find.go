// SPDX-License-Identifier: GPL-3.0-or-later

package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	wsdiscovery "github.com/IOTechSystems/onvif/ws-discovery"
)

// rounds is how often the question is asked, since it travels by UDP. Each takes a
// second.
const rounds = 2

// Options say where to look.
type Options struct {
	// Interface is the network interface; empty means all that can multicast.
	Interface string
	// Username and Password are for asking for streams; empty means to ask without.
	Username, Password string
}

// Find looks for cameras, and asks each for its streams. The cameras are in the
// order of their addresses.
func Find(ctx context.Context, o Options) ([]Camera, error) {
	interfaces, err := interfaces(o.Interface)
	if err != nil {
		return nil, fmt.Errorf("find cameras: %w", err)
	}
	answers, err := probe(ctx, interfaces)
	if err != nil {
		return nil, fmt.Errorf("find cameras: %w", err)
	}
	cameras := unique(answers)
	var wg sync.WaitGroup
	for i := range cameras {
		wg.Go(func() { cameras[i].askForStreams(ctx, o) })
	}
	wg.Wait()
	return cameras, ctx.Err()
}

// interfaces are the names of those to ask at.
func interfaces(name string) (names []string, err error) {
	if name != "" {
		return []string{name}, nil
	}
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	const wanted = net.FlagUp | net.FlagMulticast
	for _, i := range all {
		if i.Flags&wanted == wanted && i.Flags&net.FlagLoopback == 0 {
			names = append(names, i.Name)
		}
	}
	if names == nil {
		return nil, errors.New("no network interface can multicast")
	}
	return names, nil
}

// probe asks at all interfaces at once. It fails if none of them works.
func probe(ctx context.Context, interfaces []string) (answers []string, err error) {
	types := []string{"dn:NetworkVideoTransmitter"}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failures []error
	for _, name := range interfaces {
		wg.Go(func() {
			for range rounds {
				if ctx.Err() != nil {
					return
				}
				got, err := wsdiscovery.SendProbe(name, nil, types, nil)
				mu.Lock()
				answers = append(answers, got...)
				if err != nil {
					failures = append(failures, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if len(failures) == rounds*len(interfaces) {
		return nil, failures[0]
	}
	return answers, nil
}

// unique returns each camera once.
func unique(answers []string) (cameras []Camera) {
	for _, answer := range answers {
		cameras = append(cameras, camerasIn(answer)...)
	}
	slices.SortStableFunc(cameras, func(a, b Camera) int { return strings.Compare(a.Address, b.Address) })
	return slices.CompactFunc(cameras, func(a, b Camera) bool { return a.Address == b.Address })
}
