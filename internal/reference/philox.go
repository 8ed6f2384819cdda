package reference

// Rounds is the number of rounds of the generator.
const Rounds = 10

// Philox is Philox4x32-10 (docs/stream.md, section 2; Salmon, Moraes, Dror,
// Shaw 2011, section 3.3).
func Philox(counter [4]uint32, key [2]uint32) [4]uint32 {
	return PhiloxRounds(Rounds, counter, key)
}

// PhiloxRounds is Philox4x32 with so many rounds. With few it is a generator
// that statistical tests have to reject.
func PhiloxRounds(rounds int, counter [4]uint32, key [2]uint32) [4]uint32 {
	for range rounds {
		p := uint64(0xD2511F53) * uint64(counter[0])
		q := uint64(0xCD9E8D57) * uint64(counter[2])
		counter = [4]uint32{
			hi(q) ^ counter[1] ^ key[0],
			lo(q),
			hi(p) ^ counter[3] ^ key[1],
			lo(p),
		}
		key[0] += 0x9E3779B9
		key[1] += 0xBB67AE85
	}
	return counter
}

func lo(v uint64) uint32 { return uint32(v) }
func hi(v uint64) uint32 { return uint32(v >> 32) }

// PhiloxWords returns the words of as many blocks, whose counters follow each
// other as integers of 128 bits, the least significant word first.
func PhiloxWords(blocks int, counter [4]uint32, key [2]uint32) []uint32 {
	words := make([]uint32, 0, 4*blocks)
	for range blocks {
		block := Philox(counter, key)
		words = append(words, block[:]...)
		for i := range counter {
			counter[i]++
			if counter[i] != 0 {
				break // no carry
			}
		}
	}
	return words
}

// Key is the key of a layer at a step (docs/stream.md, section 3).
func Key(seed uint64, layer uint32, step uint64) [2]uint32 {
	w := Philox([4]uint32{layer, lo(step), hi(step), 0x44427631}, [2]uint32{lo(seed), hi(seed)})
	return [2]uint32{w[0], w[1]}
}

// An Answer is what Philox is known to return.
type Answer struct {
	Counter [4]uint32
	Key     [2]uint32
	Want    [4]uint32
}

// Answers are those of Random123 (tests/kat_vectors) for philox4x32 with 10
// rounds.
var Answers = []Answer{
	{Want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
	{
		[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
		[2]uint32{0xffffffff, 0xffffffff},
		[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
	},
	{
		[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
		[2]uint32{0xa4093822, 0x299f31d0},
		[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
	},
}

// C++26 [rand.predef]: the 10000th value of a default-constructed
// std::philox4x32, which has the key 20111115.
const (
	CppKey    = 20111115
	CppIndex  = 10000
	CppAnswer = 1955073260
)
