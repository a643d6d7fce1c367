package hub

import "github.com/toji-build/toji/internal/rpc"

// bindings bind the methods of each noun. A test holds that nothing that is
// declared in koji/api is left out.
var bindings = []func(*rpc.Registry, *Hub){
	bindSession,
	bindSystem,
	bindUpload,
	bindFilters,
	bindUsers,
	bindPermissions,
	bindTags,
	bindInheritance,
	bindTargets,
	bindEvents,
	bindPackages,
	bindGroups,
	bindExternalRepos,
	bindChannels,
	bindHosts,
	bindVolumes,
	bindHistory,
	bindSnapshots,
	bindBuilds,
	bindBuildTypes,
	bindBuildLife,
	bindBuildRemoval,
	bindBuildMoves,
	bindRPMs,
	bindSignatures,
	bindArchives,
	bindTagged,
	bindTagging,
	bindBuildroots,
	bindTasks,
	bindHostCalls,
	bindScheduler,
	bindRepos,
	bindNotifications,
	bindSearch,
	bindContentGenerators,
}
