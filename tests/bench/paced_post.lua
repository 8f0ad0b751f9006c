-- For wrk: as post.lua, but each of its connections waits 10 ms between two requests.
dofile(debug.getinfo(1, "S").source:match("^@(.*)paced_post.lua$") .. "post.lua")

function delay()
    return 10
end
