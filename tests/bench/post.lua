-- For wrk: posts entries that are all different.
local number = 0
local run = tostring(os.time())

function request()
    number = number + 1
    local body = string.format('{"sender":"wrk-%s-%d","recipient":"bench","amount":1}', run, number)
    return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
