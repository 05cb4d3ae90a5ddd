// SPDX-License-Identifier: GPL-3.0-or-later

package growing

// Cost is of a month, in US dollars.
type Cost struct{ Storage, Requests, Egress float64 }

// Total is all of it.
func (c Cost) Total() float64 { return c.Storage + c.Requests + c.Egress }

// The public prices of Amazon S3 Standard, US East (N. Virginia), as its price list
// (aws.amazon.com/s3/pricing) and descriptions of it had them in 2026. Prices of other places
// and sellers differ by a factor of four.
var (
	storagePrices = []price{{50e12, 0.023e-9}, {450e12, 0.022e-9}, {0, 0.021e-9}}
	egressPrices  = []price{{100e9, 0}, {10e12, 0.09e-9}, {40e12, 0.085e-9}, {100e12, 0.07e-9}, {0, 0.05e-9}}
)

const putPrice, getPrice = 0.005 / 1000, 0.0004 / 1000

// price is that of a unit, up to an amount above the price before; 0 for all that is left.
type price struct{ amount, each float64 }

func costAt(prices []price, amount float64) (cost float64) {
	for _, p := range prices {
		of := amount
		if p.amount > 0 {
			of = min(amount, p.amount)
		}
		cost += of * p.each
		amount -= of
	}
	return cost
}

func costOf(r *Result) Cost {
	return Cost{
		Storage: costAt(storagePrices, r.ArchiveBytes), Requests: r.Puts*putPrice + r.Gets*getPrice,
		Egress: costAt(egressPrices, r.EgressBytes),
	}
}
