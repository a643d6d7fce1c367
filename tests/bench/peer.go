package main

// The names of measures under which Koji's figures are found.
const (
	openHost   = "submit to OPEN, task for a host"
	repository = "repository of an empty tag, request to READY"
	command    = "a command of the command line"
	everything = "listTaggedRPMS of a tag with every package"
	mixedReads = "16 clients of mixed reads"
	mixedLarge = "the same, 1 % of them large"
)

// cpuTime is the unit of processor time per call, of the hub and the database.
const cpuTime = "cpu ms"

// What is wanted of a measure: how many times better than Koji's a value is to be,
// by unit.
var (
	simple = map[string]float64{cpuTime: 5}
	list   = map[string]float64{cpuTime: 8}
	mix    = map[string]float64{"/s": 8, "ms p99": 5}
)

// wanted is what is wanted, by measure.
var wanted = map[string]map[string]float64{
	"getUser": simple, "getTag": simple, "getTaskInfo": simple, "getBuild": simple, "getBuild (NVR)": simple, "getBuild (session)": simple,
	"getLoggedInUser (session)": simple, "login": simple,
	"listTags (209)": list, "listTasks (limit 50)": list, "listBuilds (limit 50)": list, "listBuilds (1 package)": list,
	"listTagged (1000)": list, "listTagged (1000, 6 tags)": list, "getLatestBuilds (1 package)": list, "getLatestBuilds (1000)": list,
	"listTaggedRPMS (4000)": list, "multiCall (100 getBuild)": list,
	mixedReads: mix, mixedLarge: mix,
}

// recorded holds the figures of a real Koji 1.35 hub (Apache, mod_wsgi with 6
// processes, PostgreSQL 15, default settings; kojid and kojira with theirs) on
// two cores, by measure and unit, in the order of our own values. The data set
// was that of -scale 5.
var recorded = map[string]map[string][]float64{
	openHost:   {"ms": {43_800, 59_500}}, // median and maximum of 10; the least was 9300
	repository: {"s": {111, 134}},        // least and most; createrepo took 2 to 4 of it
	command:    {"ms": {500}},            // 350 of it to start Python

	// Idle machine, 8 turns of 2 s.
	mixedReads: {"/s": {709}, "ms p99": {90.3}, "cpu ms": {1.1, 0.7}},
	mixedLarge: {"/s": {642}, "ms p99": {115.9}, "cpu ms": {1.4, 0.9}},

	"echo":                        {"/s": {770, 1353, 1750}, "ms p50": {1.4, 3.0, 10.5}, "ms p99": {6.8, 6.6, 20.8}, "cpu ms": {0.9, 0.2}},
	"getUser":                     {"/s": {528, 899, 1213}, "ms p50": {2.1, 4.6, 12.9}, "ms p99": {3.9, 10.1, 20.9}, "cpu ms": {1.9, 0.9}},
	"getBuild (NVR)":              {"/s": {314, 524, 634}, "ms p50": {3.9, 7.8, 29.3}, "ms p99": {7.8, 14.6, 43.8}, "cpu ms": {2.1, 2.0}},
	"listBuilds (1 package)":      {"/s": {217, 408, 506}, "ms p50": {4.8, 10.7, 32.0}, "ms p99": {9.9, 21.7, 54.9}, "cpu ms": {2.6, 2.8}},
	"listTagged (1000, 6 tags)":   {"/s": {7.8, 18.6, 17.7}, "ms p50": {140.4, 291.3, 964.5}, "ms p99": {164.0, 380.1, 1205.9}, "cpu ms": {91, 63}},
	"login":                       {"/s": {309, 622, 790}, "ms p50": {3.1, 6.6, 23.1}, "ms p99": {17.4, 12.8, 35.7}, "cpu ms": {2.2, 1.3}},
	everything:                    {"s": {2.33}}, // 40,000 RPMs, 63.5 MB
	"getTag":                      {"/s": {529, 869, 1139}, "ms p50": {2.5, 6.3, 22.3}, "ms p99": {5.6, 13.8, 33.7}, "cpu ms": {1.7, 0.9}},
	"listTags (209)":              {"/s": {178, 290, 313}, "ms p50": {7.2, 15.5, 63.8}, "ms p99": {14.1, 28.4, 90.2}, "cpu ms": {5.4, 1.9}},
	"getTaskInfo":                 {"/s": {534, 940, 1071}, "ms p50": {2.0, 4.9, 15.1}, "ms p99": {4.7, 9.0, 25.8}, "cpu ms": {1.6, 0.6}},
	"listTasks (limit 50)":        {"/s": {149, 295, 337}, "ms p50": {9.2, 25.6, 100.1}, "ms p99": {15.6, 46.7, 145.0}, "cpu ms": {8.9, 1.1}},
	"getBuild":                    {"/s": {353, 593, 750}, "ms p50": {3.3, 8.3, 25.7}, "ms p99": {5.2, 16.7, 43.1}, "cpu ms": {1.9, 1.6}},
	"getBuild (session)":          {"/s": {205, 429, 524}, "ms p50": {5.5, 12.2, 43.5}, "ms p99": {10.3, 27.8, 60.0}, "cpu ms": {2.8, 2.9}},
	"listBuilds (limit 50)":       {"/s": {134, 249, 274}, "ms p50": {7.7, 19.2, 63.7}, "ms p99": {11.6, 38.1, 98.2}, "cpu ms": {4.8, 3.9}},
	"listTagged (1000)":           {"/s": {15.5, 30.9, 29.5}, "ms p50": {72.7, 143.2, 584.4}, "ms p99": {101.9, 272.8, 909.4}, "cpu ms": {58, 16}},
	"getLatestBuilds (1000)":      {"/s": {8.5, 18.2, 14.9}, "ms p50": {126.6, 232.1, 1198.6}, "ms p99": {185.3, 369.1, 1669.1}, "cpu ms": {101, 64}},
	"listTaggedRPMS (4000)":       {"/s": {3.0, 6.1, 6.0}, "ms p50": {398.4, 650.5, 2603.1}, "ms p99": {459.0, 886.4, 3798.7}, "cpu ms": {258, 104}},
	"multiCall (100 getBuild)":    {"/s": {7.2, 18.8, 15.7}, "ms p50": {154.3, 227.6, 1245.8}, "ms p99": {180.9, 392.3, 1449.7}, "cpu ms": {59, 123}},
	"getLatestBuilds (1 package)": {"/s": {36, 69, 76}, "ms p50": {30.4, 62.4, 243.1}, "ms p99": {62.9, 94.6, 328.1}, "cpu ms": {6, 25}},
	"getLoggedInUser (session)":   {"/s": {280, 486, 558}, "ms p50": {3.9, 9.1, 30.6}, "ms p99": {8.2, 15.7, 44.3}, "cpu ms": {2.7, 1.9}},
}
